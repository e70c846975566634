"""Whole visits, with chip and upload, cut between any two operations of the disk, on a model of storage.

A day at the box is filmed once: every write, sync and rename of SQLite and of the vault, every change of a
card and of the centre's ledger. Then it is cut at every moment, with what was not synced lost, torn,
reordered or there. After each cut the box restarts: what a call had said is there, what it had not is there
wholly or not at all; and the day is worked to its end, once for each outcome.
"""

from __future__ import annotations

import pytest
from support.storage.cuts import Cutter
from support.storage.filming import film, folder
from support.storage.visits import DAYS
from support.torture import TORTURE, many

PARTS = 2
HOW = {"straight through": {}, "switched off in between": {"restart_every": 40}, "a small log": {"pages": 40}}
CASES = [
    (day, how, part)
    for number, day in enumerate(DAYS)
    for turn, how in enumerate(HOW)
    if TORTURE or number == turn
    for part in range(PARTS)
]
"""At every other moment 2,100 cuts and more in six parts; under torture at every one of each day in each
manner, 10,000 and more."""


@pytest.mark.torture
@pytest.mark.parametrize(("day", "how", "part"), CASES)
def test_a_cut_loses_nothing_and_doubles_nothing(day: str, how: str, part: int) -> None:
    with folder() as root:
        ops = film(root, DAYS[day], **HOW[how])
    cutter = Cutter(fates_each=many(1, 2), one_of=many(2, 1), every_end=TORTURE)
    cutter.through(ops, part, PARTS)
    assert cutter.cuts >= many(350, 800)
    assert cutter.ends >= 30
