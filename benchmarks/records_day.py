"""One province's day on a virtual clock: 22 boxes × 300 citizens, lost receipts, dead lines, urgent first.

What is virtual: the boxes, the hours and the wire. What is real: every record's turn at the centre (verdict,
chain of the box, ledger, receipt) and the counts afterwards. Records are not sealed and not opened again.
"""

from __future__ import annotations

import heapq
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.results import CHECKOUT

BOXES, A_BOX = 22, 300
CITIZENS = BOXES * A_BOX
BEGINS, WORKS_S = datetime(2026, 3, 2, 0, 0, tzinfo=UTC), 17 * 3600  # 07:00 to 24:00 in Vietnam
LOST_RECEIPTS, URGENT, OFFLINE_BOXES, OFFLINE_S = 0.03, 0.05, 5, (3600, 6 * 3600)
SEND_S = 8
"""One record over a field line."""


@dataclass(frozen=True, slots=True)
class Day:
    accepted: int
    held: int
    replays: int
    released: int
    units: int
    turn_ms: float


@dataclass
class _Box:
    """What waits to be sent, urgent before old."""

    number: int
    dark: tuple[float, float]
    outbox: list[tuple[bool, int, Any]] = field(default_factory=list)
    previous: str = "0" * 64
    free_at: float = 0.0

    @property
    def name(self) -> str:
        return f"BOX-{self.number:02}"


def a_day(seed: int = 6) -> Day:
    """Run the day; every receipt that is asked for twice must be the same bytes."""
    sys.path.append(str(CHECKOUT / "tests"))
    from support.centre import TestStation

    from centre import chain, db, league

    dice = random.Random(seed)  # noqa: S311  dice, no secret
    now = [BEGINS]
    with tempfile.TemporaryDirectory() as folder:
        test = TestStation(Path(folder), BEGINS)
        boxes = [_Box(number, _dark(dice, number)) for number in range(BOXES)]
        for box in boxes:
            test.enrol(box.name)
        with test.station.opened() as engine:
            centre = test.station.centre(engine, lambda: now[0])
            replays, spent = 0, 0.0
            for at, opened in _arrivals(boxes, dice):
                now[0] = BEGINS + timedelta(seconds=at)
                digest = sha256(opened.record_digest.encode()).hexdigest()
                began = time.process_time()
                receipt = centre.accept(opened, digest)
                spent += time.process_time() - began
                if dice.random() < LOST_RECEIPTS:
                    replays += 1
                    if centre.accept(opened, digest) != receipt:
                        raise AssertionError("another receipt for the same record")
            with db.reading(engine) as connection:
                if chain.broken_at(connection) is not None:
                    raise AssertionError("the ledger's chain is broken")
                released = _count(connection, db.ledger, db.ledger.c.act == chain.Act.RELEASED)
                held = _count(connection, db.records, db.records.c.status == "HELD")
                table = league.table(connection, ("unit", "day"), "2026-03-02")
    accepted = sum(line["accepted"] for line in table)
    return Day(accepted, held, replays, released, len(table), 1000 * spent / CITIZENS)


def _dark(dice: random.Random, number: int) -> tuple[float, float]:
    """When a box has no line, in seconds of the day; most always have one."""
    if number >= OFFLINE_BOXES:
        return (0.0, 0.0)
    begins = dice.uniform(0, WORKS_S)
    return (begins, begins + dice.uniform(*OFFLINE_S))


def _arrivals(boxes: list[_Box], dice: random.Random) -> Iterator[tuple[float, Any]]:
    """(second of the day, opened record) in the order the centre gets them."""
    visits = sorted((dice.uniform(0, WORKS_S), box.number) for box in boxes for _ in range(A_BOX))
    made = [0] * len(boxes)
    queue: list[tuple[float, int]] = []
    for at, number in visits:
        yield from _sent(boxes, queue, at)
        box = boxes[number]
        made[number] += 1
        opened = _record(box, made[number], at)
        heapq.heappush(box.outbox, (dice.random() >= URGENT, made[number], opened))
        heapq.heappush(queue, (_when(box, at), number))
    yield from _sent(boxes, queue, float("inf"))


def _sent(boxes: list[_Box], queue: list[tuple[float, int]], until: float) -> Iterator[tuple[float, Any]]:
    while queue and queue[0][0] <= until:
        at, number = heapq.heappop(queue)
        box = boxes[number]
        if box.free_at > at:
            heapq.heappush(queue, (_when(box, box.free_at), number))
            continue
        box.free_at = at + SEND_S
        yield at, heapq.heappop(box.outbox)[2]


def _when(box: _Box, at: float) -> float:
    """The line is there at once, or when the dark is over."""
    begins, ends = box.dark
    return ends if begins <= at < ends else at


def _record(box: _Box, sequence: int, at: float) -> Any:
    from support import record
    from support.centre import without_card

    from firmware.records.format.manifest import canonical, record_digest
    from firmware.records.format.seal import OpenedRecord

    done = (BEGINS + timedelta(seconds=at)).isoformat(timespec="seconds").replace("+00:00", "Z")
    manifest = record.manifest(
        **without_card(
            record_id=f"{box.number:016x}{sequence:016x}",
            sequence=sequence,
            previous_digest=box.previous,
            completed_at=done,
            subject={**record.subject(), "number": record.stated(f"0013040{box.number:02}{sequence:03}")},
            assignment={**record.assignment(box.name), "capture_unit": f"unit-{box.number // 2 + 1}"},
        )
    )
    box.previous = record_digest(canonical(manifest))
    return OpenedRecord(manifest, {}, box.previous, box.name)


def _count(connection: Any, table: Any, where: Any) -> int:
    from sqlalchemy import func, select

    return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())
