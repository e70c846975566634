"""A disk that is full or fails for a while: the day goes on, and a power cut after it loses nothing."""

from __future__ import annotations

import errno
from random import Random

import pytest
from support import box, record
from support.storage.cuts import Cutter
from support.storage.fates import Chance, Lost
from support.storage.faults import failing_film
from support.storage.filming import folder, taped
from support.storage.model import Disk, lay_out
from support.storage.tape import Failing, Kind
from support.storage.visits import DAYS
from support.torture import many

from firmware.records.errors import DiskFull, StoreError

PLACES = 600
"""More than a day has operations that may fail."""
PARTS = 4


@pytest.mark.torture
@pytest.mark.parametrize("part", range(PARTS))
def test_a_failing_disk_stops_nothing_for_good_and_loses_nothing(part: int) -> None:
    random = Random(f"faults {part}")  # noqa: S311
    for turn in range(many(8, 150)):
        times = random.choice((1, 1, 2, 5, 30))
        fault = Failing(random.randrange(1, PLACES), random.choice((errno.EIO, errno.ENOSPC)), times)
        with folder() as root:
            ops = failing_film(root, random.choice(list(DAYS.values())), fault)
        struck = max((at for at, op in enumerate(ops) if op.kind is Kind.SYNC_FAILED), default=len(ops) // 2)
        after = random.sample(range(struck, len(ops)), min(many(3, 6), len(ops) - struck))
        Cutter(seed=turn, nested=1000).at(ops, after)


def test_what_follows_a_sync_that_failed_does_not_hang_on_what_it_lost() -> None:
    """The log has a hole that nobody sees before the power goes: nothing may be appended behind it."""
    with folder() as root, taped(root) as tape:
        with box.open_journal(root) as journal:
            record_id = box.begin(journal)
            tape.fault = lambda op: errno.EIO if op.path.endswith("-wal") and op.kind is Kind.SYNC else 0
            with pytest.raises(StoreError):
                journal.step(record_id, "FINGERS")
        tape.fault = lambda _: 0
        with box.open_journal(root) as journal:
            journal.accept(record_id, "consent", record.manifest()["consent"])
            model = Disk()
            for op in tape.ops:
                model.do(op)
    for fate in (Lost(), *(Chance(Random(seed)) for seed in range(20))):  # noqa: S311
        with folder() as after:
            lay_out(model.after(fate), after)
            with box.open_journal(after) as journal:
                assert list(journal.draft(record_id).parts) == ["consent"]


@pytest.mark.parametrize("first", range(1, 8))
def test_a_record_that_had_no_room_to_begin_leaves_nothing(first: int) -> None:
    with folder() as root, taped(root) as tape, box.open_journal(root) as journal:
        tape.fault = Failing(first, errno.ENOSPC)
        with pytest.raises(DiskFull):
            box.begin(journal)
        assert journal._vault.records() == []
        assert box.begin(journal) == journal.open_record()


def test_a_draft_is_destroyed_though_the_disk_has_no_room_to_overwrite_its_key() -> None:
    with folder() as root, taped(root) as tape, box.open_journal(root) as journal:
        record_id = box.filled(journal)
        tape.fault = lambda op: errno.ENOSPC if op.kind is Kind.WRITE and "key" in op.path else 0
        journal.abandon(record_id, "left")
        assert journal._vault.records() == []
