"""EF.CardAccess: found by either way of selecting, refused when it is not what it must be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.channels import open_channel
from support.chip import KEYS
from support.pace_chip import card_access

from drivers.chip.access import Opener, read_card_access
from drivers.chip.apdu import CommandApdu
from drivers.chip.errors import CardRefused, MalformedData
from drivers.chip.processor import Plain

SELECT, SELECT_MF = "00A4020C02011C", "00A4000C023F00"
CONTENT = card_access(
    (2, 13), (4, 16), (2, 12), (2, 15), (1, 12), (1, 13), (3, 13), (3, 12), (4, 12), (4, 15), (4, 13)
)


class Card:
    """Holds EF.CardAccess as `content`; `by_sfi` alone where SELECT is refused. Knows no PACE."""

    def __init__(self, content: bytes, by_sfi: bool = False, most: int = 256) -> None:
        self._content, self._by_sfi, self._most = content, by_sfi, most
        self._current = False
        self.sent: list[str] = []

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self.sent.append(apdu.hex().upper())
        if apdu.hex().upper() == SELECT and not self._by_sfi:
            self._current = True
            return b"\x90\x00"
        if apdu[1] != 0xB0 or (apdu[2] & 0x80 and apdu[2] != 0x9C):
            return b"\x6d\x00"
        self._current |= apdu[2] == 0x9C
        if not self._current:
            return b"\x69\x86"
        at = 0 if apdu[2] & 0x80 else apdu[2] << 8 | apdu[3]
        return self._content[at : at + min(apdu[4], self._most)] + b"\x90\x00"


@pytest.mark.parametrize("by_sfi", [False, True])
@pytest.mark.parametrize("most", [256, 50, 8])
def test_it_is_read_whole_however_the_card_gives_it(by_sfi: bool, most: int) -> None:
    card = Card(CONTENT + bytes(20), by_sfi, most)
    assert read_card_access(Plain(card)) == CONTENT
    assert len(CONTENT) > 200
    assert SELECT_MF not in card.sent


def test_a_card_without_it_has_none_and_is_asked_twice_at_most() -> None:
    card = Card(b"")
    assert read_card_access(Plain(card)) is None
    assert len(card.sent) == 2


HOSTILE: dict[str, bytes] = {
    "no object": bytes(40),
    "an indefinite length": b"\x31\x80" + CONTENT[2:],
    "more than any card has": b"\x31\x82\x20\x00" + bytes(300),
    "longer than the file": b"\x31\x82\x01\x00" + bytes(40),
    "a length in four bytes": b"\x31\x84\x00\x00\x00\x14" + bytes(40),
    "not a set": b"\x30" + CONTENT[1:],
    "a set of something else": b"\x31\x04\x04\x02ab" + bytes(10),
    "cut off": CONTENT[:5],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_card_access_that_is_none_opens_nothing_not_even_with_bac(name: str) -> None:
    card = Card(HOSTILE[name])
    with pytest.raises(MalformedData):
        open_channel(Plain(card), KEYS)
    assert len(card.sent) < 20
    assert not any(sent.startswith(("0084", "00A4040C")) for sent in card.sent)


def test_more_than_was_asked_for_is_refused() -> None:
    class Generous(Card):
        def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
            return super().transmit(apdu[:4] + b"\xff") if apdu[1] == 0xB0 else super().transmit(apdu)

    with pytest.raises(MalformedData, match="more than"):
        read_card_access(Plain(Generous(CONTENT)))


def test_one_byte_at_a_time_for_ever_has_an_end() -> None:
    card = Card(b"\x31\x82\x07\x00" + bytes(0x700), most=1)
    with pytest.raises(MalformedData):
        read_card_access(Plain(card))
    assert len(card.sent) <= 2048


@pytest.mark.parametrize("restarting", [False, True])
def test_before_pace_is_run_again_the_card_is_reset_or_the_master_file_selected(restarting: bool) -> None:
    card = Card(CONTENT)
    resets: list[int] = []
    restart: Callable[[], object] | None = (lambda: resets.append(1)) if restarting else None
    opener = Opener(card, KEYS, restart=restart)
    for _ in range(2):
        with pytest.raises(CardRefused, match="MSE"):
            opener()
    assert card.sent.count(SELECT) == 1
    assert (card.sent.count(SELECT_MF), len(resets)) == ((0, 1) if restarting else (1, 0))
    assert opener.plain.send(CommandApdu(0xB0, 0x9C, 0, ne=2)).data == CONTENT[:2]
