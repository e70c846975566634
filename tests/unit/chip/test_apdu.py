from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.errors import CardRefused, FileNotFound, MalformedData, WrongLength, refusal
from drivers.chip.processor import Plain, demand
from drivers.errors import ProtocolError
from drivers.virtual.card.words import StatusWord, parse

CASES = (
    (CommandApdu(0xA4, 1, 2), "00A40102"),
    (CommandApdu(0xB0, ne=1), "00B0000001"),
    (CommandApdu(0xB0, ne=256), "00B0000000"),
    (CommandApdu(0xA4, data=b"\x3f\x00"), "00A40000023F00"),
    (CommandApdu(0xA4, data=b"\x3f\x00", ne=256), "00A40000023F0000"),
    (CommandApdu(0xB0, ne=257), "00B00000000101"),
    (CommandApdu(0xB0, ne=65536), "00B00000000000"),
    (CommandApdu(0xA4, data=b"\xaa", extended=True), "00A40000000001AA"),
    (CommandApdu(0xA4, data=b"\xaa", ne=300), "00A40000000001AA012C"),
    (CommandApdu(0xA4, data=b"\xaa", ne=65536, cla=0x0C), "0CA40000000001AA0000"),
)


@pytest.mark.parametrize(("command", "written"), CASES)
def test_each_case_is_written_as_the_standard_has_it(command: CommandApdu, written: str) -> None:
    assert command.to_bytes().hex().upper() == written


@given(
    data=st.binary(max_size=600),
    ne=st.integers(0, 65536),
    extended=st.booleans(),
    p1=st.integers(0, 255),
)
def test_the_card_understands_whatever_the_terminal_writes(
    data: bytes, ne: int, extended: bool, p1: int
) -> None:
    command = CommandApdu(Ins.UPDATE_BINARY, p1, 7, data, ne, extended=extended)
    heard = parse(command.to_bytes())
    assert (heard.data, heard.ne, heard.p1, heard.p2) == (data, ne, p1, 7)


@given(st.binary(max_size=40))
def test_the_card_parses_or_refuses_any_bytes(apdu: bytes) -> None:
    try:
        heard = parse(apdu)
    except StatusWord as refused:
        assert refused.sw == 0x6700
    else:
        assert len(heard.data) <= len(apdu)


def test_what_no_apdu_can_carry_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError):
        CommandApdu(0xD6, data=bytes(65536))
    with pytest.raises(ValueError):
        CommandApdu(0xB0, ne=65537)


@pytest.mark.parametrize("raw", [b"", b"\x90", b"\x00\x00", b"\x60\x00", bytes(65539)])
def test_what_is_no_response_is_a_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        ResponseApdu.parse(raw)


def test_a_refusal_is_typed_and_names_meaning_and_clause() -> None:
    error = refusal("SELECT EF 0101", 0x6A82)
    assert isinstance(error, FileNotFound)
    assert "6A82" in str(error)
    assert "not found" in str(error)
    assert "ISO/IEC 7816-4:2020, 5.6" in str(error)
    assert isinstance(refusal("READ BINARY", 0x6C10), WrongLength)
    assert type(refusal("READ BINARY", 0x6FFF)) is CardRefused


class Answers:
    """A link with these answers to come; remembers what it was sent."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.sent: list[str] = []

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self.sent.append(apdu.hex().upper())
        return bytes.fromhex(self._answers.pop(0))


def test_61xx_is_fetched_to_the_end() -> None:
    link = Answers("AABB6102", "CCDD6101", "EE9000")
    assert demand(Plain(link), CommandApdu(Ins.READ_BINARY, ne=256), "") == b"\xaa\xbb\xcc\xdd\xee"
    assert link.sent[1:] == ["00C0000002", "00C0000001"]


def test_6cxx_is_asked_again_once_with_the_right_length() -> None:
    link = Answers("6C04", "010203049000")
    assert demand(Plain(link), CommandApdu(Ins.READ_BINARY, ne=256), "") == b"\1\2\3\4"
    assert link.sent == ["00B0000000", "00B0000004"]
    with pytest.raises(WrongLength):
        demand(Plain(Answers("6C04", "6C04")), CommandApdu(Ins.READ_BINARY, ne=256), "")


def test_a_card_that_promises_for_ever_is_stopped() -> None:
    with pytest.raises(MalformedData):
        Plain(Answers("6100", "6100")).send(CommandApdu(Ins.READ_BINARY, ne=256))
    endless = Answers("6100", *["AB" * 256 + "6100"] * 400)
    with pytest.raises(MalformedData):
        Plain(endless).send(CommandApdu(Ins.READ_BINARY, ne=256))
    assert len(endless.sent) <= 258


def test_status_words_are_integers_with_a_meaning() -> None:
    assert Sw.OK == 0x9000
    assert all(each.meaning for each in Sw)
