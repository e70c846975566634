"""Hostile answers, command by command: each ends in a typed error, soon, and nothing is believed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chip import KEYS, made_up, unheard
from support.hostile import Channel, Link, after, holding

from drivers.api import Deadline
from drivers.chip import tlv
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.bac import open_bac
from drivers.chip.badge import read_badge
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.errors import CardError, MalformedData, SecureMessagingError
from drivers.chip.lds import Blocks, Ef, LdsFiles, open_lds, select_application
from drivers.chip.patience import Endless, Patient
from drivers.chip.processor import Plain
from drivers.errors import DriverError, ProtocolError, UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader

READ = CommandApdu(Ins.READ_BINARY, ne=223)
OK = b"\x90\0"


class Behind(VirtualCard):
    """A card on a virtual reader that answers as it likes."""

    def __init__(self, answer: Callable[[bytes], bytes], most: int = 2000) -> None:
        super().__init__({})
        self.link = Link(answer, most=most)

    def transmit(self, apdu: bytes) -> bytes:
        return self.link.transmit(apdu)


def identified(card: VirtualCard) -> Any:
    with VirtualReader() as reader:
        reader.put(card)
        return LdsPlain(reader).identify(KEYS)


def badge(card: VirtualCard) -> str:
    with VirtualReader() as reader:
        reader.put(card)
        return read_badge(reader)


# --- status words from nowhere ---


NONSENSE = ("", "90", "0000", "1234", "6000", "6012", "7F00", "8000", "A000", "FFFF", "00" * 65539)


@pytest.mark.parametrize("raw", NONSENSE, ids=lambda raw: raw[:8] or "nothing")
def test_what_is_no_status_is_a_protocol_error_and_not_an_answer(raw: str) -> None:
    link = Link(lambda _: bytes.fromhex(raw), most=1)
    with pytest.raises(ProtocolError):
        select_application(Plain(link))


@given(st.integers(0x6100, 0x9FFF))
def test_no_status_but_9000_selects_opens_or_reads(sw: int) -> None:
    if sw == 0x9000:
        return
    answer = sw.to_bytes(2, "big")
    for use in (
        lambda link: select_application(Plain(link)),
        lambda link: open_bac(Plain(link), KEYS),
        lambda link: open_lds(link, KEYS),
    ):
        with pytest.raises(DriverError):
            use(Link(lambda _: answer, most=12))


@given(st.integers(0x6100, 0x9FFF))
def test_no_status_makes_a_stranger_ours_or_a_badge(sw: int) -> None:
    answer = sw.to_bytes(2, "big")
    with suppress(DriverError):
        assert str(identified(Behind(lambda _: answer, 20)).kind) in ("foreign", "blank")
    with pytest.raises(DriverError):
        badge(Behind(lambda _: answer, 20))


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=12))
def test_a_babbling_card_is_never_believed(answers: list[bytes]) -> None:
    turns = iter(range(10**6))

    def babble(_: bytes) -> bytes:
        return answers[next(turns) % len(answers)]

    with pytest.raises(DriverError):
        open_lds(Link(babble, most=400), KEYS).read_object(Ef.DG1)


# --- answers that do not end ---


@pytest.mark.parametrize("data", ["", "AB", "AB" * 256])
@pytest.mark.parametrize("more", ["6101", "6100", "61FF"])
def test_61xx_for_ever_ends_in_bounded_memory(data: str, more: str) -> None:
    link = Link(lambda _: bytes.fromhex(data + more), most=70_000)
    with pytest.raises(DriverError):
        Plain(Patient(link, Deadline.after(60), 1000)).send(READ)
    assert link.apdus <= 1000


def test_6cxx_for_ever_is_asked_again_once() -> None:
    link = Link(lambda _: b"\x6c\x10", most=2)
    with pytest.raises(DriverError):
        select_application(Plain(link))
        Plain(link).send(READ)
        raise MalformedData("answered with 6C10")  # the processor hands it on, whoever asked refuses it
    assert link.apdus <= 3


def test_a_card_that_gives_one_byte_a_time_is_left_at_the_deadline() -> None:
    now = [0.0]

    def slow(apdu: bytes) -> bytes:
        now[0] += 0.4
        return b"\xaa" + OK

    patient = Patient(Link(slow), Deadline(60.0, lambda: now[0]))
    with pytest.raises(Endless):
        while True:
            patient.transmit(READ.to_bytes())
    assert now[0] <= 61


def test_what_is_left_of_the_time_is_passed_on() -> None:
    heard: list[float] = []

    class Timed:
        def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
            heard.append(timeout_s)
            return OK

    Patient(Timed(), Deadline(10.0, lambda: 9.75)).transmit(b"\0\xb0\0\0\1", 5.0)
    assert heard == [0.25]


# --- Basic Access Control ---


@pytest.mark.parametrize("size", [0, 1, 7, 9, 255, 256])
def test_a_challenge_of_a_wrong_length_opens_nothing(size: int) -> None:
    link = Link(lambda _: bytes(size) + OK, most=2)
    with pytest.raises(SecureMessagingError):
        open_bac(Plain(link), KEYS)
    assert link.apdus == 1, "nothing was proven to a card that cannot give a challenge"


@pytest.mark.parametrize("size", [0, 1, 8, 32, 39, 41, 256])
def test_an_authentication_of_a_wrong_length_opens_nothing(size: int) -> None:
    link = Link(after(1, lambda _: bytes(8) + OK, lambda _: made_up(size) + OK), most=2)
    with pytest.raises(SecureMessagingError):
        open_bac(Plain(link), KEYS)


@given(st.binary(min_size=40, max_size=40))
def test_a_card_that_echoes_or_guesses_opens_nothing(guess: bytes) -> None:
    def echo(apdu: bytes) -> bytes:
        return (bytes(8) if apdu[1] == Ins.GET_CHALLENGE else apdu[5:45]) + OK

    with pytest.raises(SecureMessagingError):
        open_bac(Plain(Link(echo)), KEYS)
    with pytest.raises(SecureMessagingError):
        open_bac(Plain(Link(after(1, lambda _: bytes(8) + OK, lambda _: guess + OK))), KEYS)


# --- files of a card that has the keys ---


def files(
    answer: Callable[[CommandApdu], ResponseApdu], most: int = 2000, sizes: tuple[int, ...] = (223, 192, 128)
) -> LdsFiles:
    channel: Any = Channel(answer, most)
    return LdsFiles(lambda: channel, Blocks(sizes))


@pytest.mark.parametrize(
    "start",
    [
        "7580",  # indefinite
        "7584FFFFFFFF",  # 4 GB
        "7583FFFFFF",  # 16 MB
        "758300FFFF",
        "7582FFFF",
        "758280",  # cut
        "",
        "0000000000",
        "FFFFFFFFFF",
        "1F818182",  # a tag without end
        "7FFFFFFFFF",
        "75850000000001",
    ],
)
def test_a_file_that_claims_what_cannot_be_is_refused_before_it_is_read(start: str) -> None:
    content = bytes.fromhex(start)
    with pytest.raises(CardError):
        files(holding(content + bytes(300)), most=20).read_object(Ef.DG2)


@given(st.binary(max_size=400), st.integers(1, 300))
def test_any_content_is_read_as_it_is_or_refused(content: bytes, at_once: int) -> None:
    try:
        read = files(holding(content, at_once), most=2000).read_object(Ef.DG2)
    except CardError:
        return
    assert content.startswith(read)
    assert tlv.parse(read, der=False)


@pytest.mark.parametrize("extra", [1, 5, 5000])
def test_more_than_was_asked_for_is_refused(extra: int) -> None:
    def generous(command: CommandApdu) -> ResponseApdu:
        return ResponseApdu(b"\x75" * (command.ne + extra), 0x9000)

    with pytest.raises(CardError):
        files(generous, most=10).read(Ef.DG2, 1000, unheard)


def test_a_file_of_single_bytes_is_read_once_and_to_its_end() -> None:
    content = tlv.encode(0x75, bytes(1000))
    assert files(holding(content, 1), most=1100).read_object(Ef.DG2) == content


@pytest.mark.parametrize("sw", [0x6700, 0x6C00, 0x6C10, 0x6CFF])
def test_a_card_that_takes_no_length_at_all_is_refused(sw: int) -> None:
    with pytest.raises(CardError):
        files(lambda _: ResponseApdu(b"", sw), most=60).read_object(Ef.DG2)


def test_a_card_that_ends_its_channel_each_time_is_refused() -> None:
    opened: list[Channel] = []

    def reopen() -> Any:
        opened.append(Channel(lambda _: ResponseApdu(b"", 0x6700), most=50))
        return opened[-1]

    with pytest.raises(CardError):
        LdsFiles(reopen, Blocks((223, 192, 128))).read_object(Ef.DG2)
    assert len(opened) <= 8


# --- personalisation over a hostile card ---


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=12))
def test_a_dialect_ends_at_a_babbling_card(answers: list[bytes]) -> None:
    turns = iter(range(10**6))
    card = Behind(lambda _: answers[next(turns) % len(answers)], most=300)
    with VirtualReader() as reader:
        reader.put(card)
        dialect = LdsPlain(reader)
        with pytest.raises((DriverError, UserRetry)):
            dialect.identify(KEYS)
            dialect.write_file(Ef.DG1, bytes(100), unheard)
            assert dialect.read_file(Ef.DG1, 100, unheard) != bytes(100)
            raise MalformedData("took all, held nothing")
