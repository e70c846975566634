"""A stick with a day's records is looked at on the store's thread, and the watchdog hears of each of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import swap

from firmware.app.jobs import box
from firmware.app.visit import Sheet
from statemachine import events as ev
from statemachine.session import Swap

RECORDS = 3
pytestmark = pytest.mark.usefixtures("quick")


class Watched:
    """A desk whose store counts how often it proved that it lives."""

    def __init__(self, one: swap.SwapBox) -> None:
        self.papers, self.beats = one.papers, 0
        self.store = SimpleNamespace(alive=self._beat)

    def _beat(self) -> None:
        self.beats += 1

    def show(self, _: Any) -> None:
        """No screen."""


def a_day(tmp_path: Path, stick: Path, by_stick: bool) -> Path:
    """What a technician brings of a box with RECORDS sealed records."""
    old = swap.unit(tmp_path)
    with old.journal() as journal:
        for _ in range(RECORDS):
            swap.sealed(journal)
    if by_stick:
        old.export(stick)
        return stick
    return old.data


@pytest.mark.parametrize("by_stick", [True, False])
def test_each_record_that_is_looked_at_feeds_the_watchdog(
    tmp_path: Path, stick: Path, by_stick: bool
) -> None:
    source, new = a_day(tmp_path, stick, by_stick), swap.spare(tmp_path)
    desk: Any = Watched(new)
    with new.journal() as journal:
        found = box.look_at_stick(desk, Swap.TAKE, source)(journal)
        assert isinstance(found.event, ev.StickFound)
        assert desk.beats >= RECORDS
        before = desk.beats
        sheet = Sheet(source, ())
        taken = box.take(desk, sheet, swap.CODE, 0, swap.OFFICER, 1)(journal)
        assert isinstance(taken.event, ev.SwapDone)
        assert desk.beats - before >= 2 * RECORDS, "looked at, then copied"
