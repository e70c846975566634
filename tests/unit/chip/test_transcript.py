"""What is recorded plays back byte for byte, and what people see of it tells nothing of a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chip import FILES, KEYS, made_up, personalise, unheard

from drivers.chip.bac import open_bac
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.lds import AID, Blocks, Ef, LdsFiles, select_application
from drivers.chip.masking import masked, split
from drivers.chip.processor import Plain
from drivers.chip.transcript import (
    Event,
    NotAsRecorded,
    Player,
    Recorder,
    Sort,
    TranscriptError,
    from_text,
    to_text,
)
from drivers.errors import DeviceTimeout, UserRetry
from drivers.virtual.card import VirtualReader, blank_card


def read_all(reader: Recorder | Player) -> dict[int, bytes]:
    """As anybody reads a chip, with the reader's own random bytes."""
    reader.connect()
    plain = Plain(reader)

    def channel():  # type: ignore[no-untyped-def]
        select_application(plain)
        return open_bac(plain, KEYS, reader.random)

    files = LdsFiles(channel, Blocks((223,)))
    return {fid: files.read_object(fid) for fid in FILES}


def recorded() -> Recorder:
    reader = VirtualReader().__enter__()
    reader.put(blank_card())
    personalise(LdsPlain(reader))
    recorder = Recorder(reader, lambda size: made_up(size, "random"))
    assert read_all(recorder) == FILES
    return recorder


def test_a_whole_reading_plays_back_byte_for_byte() -> None:
    events = from_text(to_text(recorded().events))
    player = Player(events)
    assert read_all(player) == FILES
    assert player.finished


def test_another_command_is_not_answered() -> None:
    events = recorded().events
    player = Player(events)
    player.connect()
    with pytest.raises(NotAsRecorded, match="differs at byte 11"):
        player.transmit(b"\x00\xa4\x04\x0c\x07" + AID[:-1] + b"\x02")


@pytest.mark.parametrize("size", [1, 7, 9])
def test_other_random_bytes_are_not_drawn(size: int) -> None:
    player = Player([Event(Sort.DREW, bytes(8))])
    with pytest.raises(NotAsRecorded):
        player.random(size)


def test_the_end_of_a_transcript_is_the_end() -> None:
    player = Player(())
    for call in (player.connect, lambda: player.transmit(b"\0\xb0\0\0\1"), lambda: player.random(8)):
        with pytest.raises(NotAsRecorded, match="ended"):
            call()


def test_a_torn_card_and_a_mute_one_are_recorded_as_what_they_were() -> None:
    card = blank_card()
    reader = VirtualReader().__enter__()
    recorder = Recorder(reader)
    with pytest.raises(UserRetry):
        recorder.connect()
    reader.put(card)
    recorder.connect()
    card.lift_after(apdus=0)
    with pytest.raises(UserRetry):
        recorder.transmit(b"\0\xb0\0\0\1")
    card.mute_after(0)
    reader.put(card)
    recorder.connect()
    with pytest.raises(DeviceTimeout):
        recorder.transmit(b"\0\xb0\0\0\1")
    player = Player(from_text(to_text(recorder.events)))
    with pytest.raises(UserRetry, match="place_card"):
        player.connect()
    player.connect()
    with pytest.raises(UserRetry, match="hold_card_still"):
        player.transmit(b"\0\xb0\0\0\1")
    player.connect()
    with pytest.raises(DeviceTimeout):
        player.transmit(b"\0\xb0\0\0\1")
    assert player.finished


@pytest.mark.parametrize("text", ["", "something", "card transcript 1\n? 00", "card transcript 1\n> 0G"])
def test_what_is_no_transcript_is_refused(text: str) -> None:
    with pytest.raises(TranscriptError):
        from_text(text)


@given(st.lists(st.builds(Event, st.sampled_from([s for s in Sort if s is not Sort.ERROR]), st.binary())))
def test_a_transcript_reads_as_it_was_written(events: list[Event]) -> None:
    assert list(from_text(to_text(events))) == events


# --- the masked form ---


def longest_common(a: str, b: str, least: int) -> bool:
    """Whether a run of `least` characters of `a` stands in `b`."""
    return any(a[i : i + least] in b for i in range(len(a) - least + 1))


def test_the_masked_form_keeps_structure_and_status_and_nothing_else() -> None:
    lines = list(masked(recorded().events))
    assert lines[0] == "= 3B80800101  reset"
    assert lines[1] == "> 00A4040C 07 A0000002471001  SELECT"
    assert lines[2] == "< 9000  done"
    assert lines[3:5] == ["> 00840000 08  GET CHALLENGE", "< [8] 9000  done"]
    assert lines[5].startswith("> 00820000 28 [40] 28  EXTERNAL AUTHENTICATE")
    assert "> 0CB00000 0D 97:07 8E:[8] 00  READ BINARY" in lines
    assert any(line.startswith("< 87:[225] 99:9000 8E:[8] 9000") for line in lines)


def test_no_secret_byte_of_a_reading_or_a_personalisation_is_shown() -> None:
    reader = VirtualReader().__enter__()
    reader.put(blank_card())
    recorder = Recorder(reader)
    personalise(LdsPlain(recorder))
    read_all(recorder)
    shown = "\n".join(masked(recorder.events))
    secrets = [*FILES.values(), KEYS.document_number.encode(), KEYS.birth.encode(), KEYS.expiry.encode()]
    drawn = [event.data for event in recorder.events if event.sort is Sort.DREW]
    secured = [event.data[12:] for event in recorder.events if event.data[:1] == b"\x0c"]
    for secret in (*secrets, *drawn, *secured):
        assert not longest_common(secret.hex().upper(), shown, 12), secret.hex()


def test_what_tells_of_a_type_of_card_is_shown() -> None:
    access = bytes.fromhex("31143012060A04007F0007020204020202010202010C")
    events = [
        Event(Sort.COMMAND, bytes.fromhex("00A4020C02011C")),
        Event(Sort.ANSWER, b"\x90\0"),
        Event(Sort.COMMAND, bytes.fromhex("00B0000016")),
        Event(Sort.ANSWER, access + b"\x90\0"),
        Event(Sort.COMMAND, bytes.fromhex("00B09C0016")),
        Event(Sort.ANSWER, access + b"\x90\0"),
        Event(Sort.COMMAND, bytes.fromhex("0022C1A40F800A04007F00070202040202830101")),
        Event(Sort.ANSWER, b"\x90\0"),
    ]
    lines = list(masked(events))
    assert lines[3] == lines[5] == f"< {access.hex().upper()} 9000  done"
    assert lines[6] == "> 0022C1A4 0F 80:04007F00070202040202 83:01  MANAGE SECURITY ENVIRONMENT"


@pytest.mark.parametrize("read", ["00B0000016", "00B0810016", "00B19C0016"])
def test_what_is_read_in_the_clear_of_a_person_is_not_shown(read: str) -> None:
    events = [
        Event(Sort.COMMAND, bytes.fromhex("00A4020C020101")),
        Event(Sort.ANSWER, b"\x90\0"),
        Event(Sort.COMMAND, bytes.fromhex(read)),
        Event(Sort.ANSWER, b"I<UTOERIKSSON" + b"\x90\0"),
    ]
    assert list(masked(events))[3] == "< [13] 9000  done"


@given(st.binary(max_size=300))
def test_any_command_is_taken_apart_without_loss(apdu: bytes) -> None:
    assert b"".join(split(apdu)) == apdu


@given(st.lists(st.builds(Event, st.sampled_from(list(Sort)), st.binary(max_size=40))))
def test_any_transcript_can_be_masked(events: list[Event]) -> None:
    assert len(list(masked(events))) <= len(events)


def test_a_dialect_does_the_same_through_a_recorder() -> None:
    reader = VirtualReader().__enter__()
    reader.put(blank_card())
    recorder = Recorder(reader)
    dialect = LdsPlain(recorder)
    personalise(dialect)
    assert dialect.read_file(Ef.COM, 2, unheard) == FILES[Ef.COM][:2]
