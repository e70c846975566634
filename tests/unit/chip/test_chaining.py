"""Long commands to cards of short APDUs, and answers in parts (ISO/IEC 7816-4:2020, 5.3.3, 5.3.4)."""

from __future__ import annotations

import pytest

from drivers.chip.apdu import CommandApdu, Ins
from drivers.chip.errors import MalformedData, WrongLength, refusal
from drivers.chip.processor import MOST_PARTS, Plain


class Card:
    """Remembers what it was sent; answers in turn, the last answer for ever."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.sent: list[bytes] = []

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self.sent.append(apdu)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def short(card: Card) -> Plain:
    return Plain(card, extended=False)


def test_long_data_goes_in_links_of_a_chain_and_the_last_link_asks() -> None:
    card = Card(b"\x90\x00", b"\x90\x00", b"\xaa\x90\x00")
    data = bytes(range(256)) * 2 + b"end"
    answer = short(card).send(CommandApdu(Ins.UPDATE_BINARY, 1, 2, data, ne=400, cla=0x0C))
    assert (answer.data, answer.sw) == (b"\xaa", 0x9000)
    assert [apdu[:5].hex().upper() for apdu in card.sent] == ["1CD60102FF", "1CD60102FF", "0CD6010205"]
    assert card.sent[0][5:] + card.sent[1][5:] + card.sent[2][5:-1] == data
    assert card.sent[2][-1:] == b"\0"


def test_a_link_that_is_refused_ends_the_chain() -> None:
    card = Card(b"\x68\x84")
    answer = short(card).send(CommandApdu(Ins.UPDATE_BINARY, data=bytes(600)))
    assert len(card.sent) == 1
    assert isinstance(refusal("UPDATE BINARY", answer.sw), WrongLength)


@pytest.mark.parametrize("size", [0, 1, 255])
def test_what_fits_goes_as_it_is(size: int) -> None:
    card = Card(b"\x90\x00")
    command = CommandApdu(Ins.UPDATE_BINARY, data=bytes(size))
    short(card).send(command)
    assert card.sent == [command.to_bytes()]


def test_no_extended_form_is_ever_sent_to_a_short_card() -> None:
    card = Card(b"\xbb" * 256 + b"\x61\x10", b"\xcc" * 16 + b"\x90\x00")
    answer = short(card).send(CommandApdu(Ins.READ_BINARY, ne=5000, extended=True))
    assert [len(apdu) for apdu in card.sent] == [5, 5]
    assert len(answer.data) == 272


def test_a_long_command_to_a_card_with_extended_length_is_one_apdu() -> None:
    card = Card(b"\x90\x00")
    Plain(card).send(CommandApdu(Ins.UPDATE_BINARY, data=bytes(600)))
    assert len(card.sent) == 1


def test_an_answer_in_ever_more_parts_of_one_byte_is_stopped() -> None:
    card = Card(b"\xaa\x61\x01")
    with pytest.raises(MalformedData):
        Plain(card).send(CommandApdu(Ins.READ_BINARY, ne=256))
    assert len(card.sent) == MOST_PARTS + 1 <= 259


def test_the_longest_answer_there_is_comes_whole_in_parts() -> None:
    card = Card(b"\x61\x00", *[bytes(256) + b"\x61\x00"] * 255, bytes(256) + b"\x90\x00")
    assert len(Plain(card).send(CommandApdu(Ins.READ_BINARY, ne=256)).data) == 65536
