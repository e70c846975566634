"""Whatever a card sends, the parsers of drivers/chip return or raise their own errors (long: `make fuzz`)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.chip import FILES, made_up
from support.fuzz import fuzzed, on_bent
from support.hostile import Channel, Link, holding

from drivers.chip import tlv
from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.errors import CardError, MalformedData, SecureMessagingError
from drivers.chip.lds import Blocks, Ef, LdsFiles
from drivers.chip.masking import masked, split
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging, TripleDesSuite
from drivers.chip.transcript import Event, Player, Sort, TranscriptError, from_text, to_text
from drivers.errors import DriverError, ProtocolError
from drivers.virtual.card import VirtualCard, blank_card
from drivers.virtual.card.words import StatusWord, parse

OBJECTS = (
    *FILES.values(),
    bytes.fromhex("7F4E0A5F290100420541424344"),
    bytes.fromhex("87090158AABBCCDDEEFF00"),
)
COMMANDS = tuple(
    bytes.fromhex(each)
    for each in (
        "00A4040C07A0000002471001", "00A4020C02011E", "00B0000000", "00B09C00", "0084000008",
        "0082000028" + "AB" * 40 + "28", "00D60000FF" + "CD" * 255, "00E0000006630401000102",
        "0CB000000D9701088E08" + "11" * 8 + "00", "00DA00620D620B04033030300404" + "31" * 4,
        "00B0000000FFFF", "00D60000000200" + "EF" * 512, "80CA9F7F00", "8050300008" + "77" * 8 + "00",
    )
)  # fmt: skip
ANSWERS = (
    *(made_up(n) + b"\x90\0" for n in (0, 8, 40)),
    bytes.fromhex("8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000"),
    bytes.fromhex("990290008E08FA855A5D4C50A8ED9000"),
)


@on_bent(*OBJECTS)
def test_tlv_parses_or_refuses_and_loses_nothing(data: bytes) -> None:
    with suppress(MalformedData):
        assert b"".join(tlv.encode(*each) for each in tlv.parse(data)) == data
    with suppress(MalformedData):
        assert sum(len(each.value) for each in tlv.parse(data, der=False)) <= len(data)
    with suppress(MalformedData):
        assert tlv.read_header(data, der=False).size <= min(len(data), tlv.LONGEST_HEADER)


@on_bent(*ANSWERS)
def test_an_answer_is_one_or_a_protocol_error(data: bytes) -> None:
    with suppress(ProtocolError):
        answer = ResponseApdu.parse(data)
        assert answer.data + answer.sw.to_bytes(2, "big") == data


@on_bent(*COMMANDS)
def test_a_command_is_taken_apart_shown_and_understood_by_a_card(data: bytes) -> None:
    assert b"".join(split(data)) == data
    assert len(list(masked([Event(Sort.COMMAND, data), Event(Sort.ANSWER, data)]))) == 2
    with suppress(StatusWord):
        parse(data)


@fuzzed
@given(st.lists(st.sampled_from(COMMANDS) | st.binary(max_size=300), max_size=8), st.data())
def test_a_virtual_card_answers_whatever_it_is_told(commands: list[bytes], draw: st.DataObject) -> None:
    card = blank_card()
    card.power_on()
    for command in commands:
        ResponseApdu.parse(card.transmit(command))
    assert VirtualCard.from_bytes(card.to_bytes()).to_bytes() == card.to_bytes()


@on_bent(*ANSWERS)
def test_nothing_but_the_right_mac_passes_secure_messaging(data: bytes) -> None:
    """The keys are not those of the samples: whatever comes with data is refused, or is a bare status."""
    channel = SecureMessaging(Plain(Link(lambda _: data)), TripleDesSuite(bytes(16), bytes(16)), bytes(8))
    with suppress(SecureMessagingError, ProtocolError, MalformedData):
        answer = channel.send(CommandApdu(Ins.READ_BINARY, ne=8))
        assert not answer.data
        assert answer.sw != 0x9000
    assert not channel.alive


@on_bent(*FILES.values())
def test_a_file_is_read_as_it_is_or_refused(data: bytes) -> None:
    channel: Any = Channel(holding(data), most=400)
    with suppress(CardError):
        read = LdsFiles(lambda: channel, Blocks((223,))).read_object(Ef.DG2)
        assert data.startswith(read)


TEXT = to_text(
    [Event(Sort.RESET, b"\x3b\x80"), Event(Sort.COMMAND, COMMANDS[0]), Event(Sort.ANSWER, b"\x90\0")]
)


@on_bent(TEXT.encode())
def test_a_transcript_is_one_or_is_refused(data: bytes) -> None:
    with suppress(TranscriptError):
        events = from_text(data.decode("utf-8", "replace"))
        player = Player(events)
        with suppress(DriverError):
            player.connect()
            player.transmit(COMMANDS[0])


def test_the_samples_themselves_are_good() -> None:
    """A sample that is refused as it is would fuzz nothing but its first byte."""
    assert all(tlv.parse(each, der=False) for each in OBJECTS)
    assert all(ResponseApdu.parse(each) for each in ANSWERS)
    assert all(split(each).header == each[:4] and len(split(each).header) == 4 for each in COMMANDS)
