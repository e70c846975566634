"""EF.CardAccess with somebody between card and reader: what opened the card is what DG14 is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.passports import look, passport

from drivers.virtual.card import VirtualReader
from firmware.document.errors import Check
from firmware.issue.findings import Outcome, Verdict
from firmware.issue.inspect import Inspection

SELECT_CARD_ACCESS = bytes.fromhex("00A4020C02011C")
READ_BY_SFI = b"\x00\xb0\x9c"


class Hiding(VirtualReader):
    """Somebody between who hides EF.CardAccess at each asking that `hides` says; asked twice it is one."""

    def __init__(self, hides: Callable[[int], bool]) -> None:
        super().__init__()
        self.put(passport())
        self._hides = hides
        self.asked = 0

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        self.asked += apdu == SELECT_CARD_ACCESS
        asks = apdu == SELECT_CARD_ACCESS or apdu.startswith(READ_BY_SFI)
        return b"\x6a\x82" if asks and self._hides(self.asked) else super().transmit(apdu, timeout_s)


def ways() -> Iterator[Callable[[int], bool]]:
    yield from (lambda asked, n=n: asked == n for n in (1, 2, 3))
    yield lambda asked: asked > 1
    yield lambda asked: True


def opened_with_bac(found: Inspection) -> bool:
    return found.protocol.startswith("BAC")


@pytest.mark.parametrize("hides", list(ways()), ids=["first", "second", "third", "all but the first", "all"])
def test_a_card_whose_pace_was_hidden_is_never_genuine_through_bac(hides: Callable[[int], bool]) -> None:
    found = look(reader=Hiding(hides))
    if opened_with_bac(found):
        assert (found.verdict, found.outcome(Check.CARD_ACCESS)) == (Verdict.FORGED, Outcome.FAILED)
    else:
        assert (found.verdict, found.outcome(Check.CARD_ACCESS)) == (Verdict.GENUINE, Outcome.HELD)


def test_card_access_is_asked_for_once_and_every_channel_is_opened_with_it() -> None:
    reader = Hiding(lambda _: False)
    assert look(reader=reader).verdict is Verdict.GENUINE
    assert reader.asked == 1
