"""Two boxes on for a day in one place, then both upload: one card of a person counts, the rest waits."""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from support import record
from support.centre import TestStation, without_card
from support.places import SPARE, UNIT, chip

from centre import chain, db, epochs, held
from centre.chain import Turn
from centre.core import Centre
from centre.papers import Terms
from firmware.records.format.manifest import canonical, record_digest
from firmware.records.format.seal import OpenedRecord

PERSONS, A_BOX = 6, 8
SEEDS = range(12)


@dataclass
class Maker:
    """A box without a line that issues under its lease."""

    name: str
    lease: int
    made: list[OpenedRecord] = field(default_factory=list)

    def serve(self, number: str) -> None:
        sequence = len(self.made) + 1
        sod = f"{self.name} {sequence}".encode()
        sections: dict[str, Any] = without_card(
            record_id=uuid.uuid5(uuid.NAMESPACE_OID, sod.decode()).hex,
            sequence=sequence,
            previous_digest=self.made[-1].record_digest if self.made else record.FIRST,
            assignment=record.assignment(self.name),
            subject={**record.subject(), "number": record.stated(number)},
        )
        sections |= {"issued_here": True, "chip": chip(sod, lease={"serial": self.lease, "n": sequence})}
        manifest = record.manifest(**sections)
        self.made.append(OpenedRecord(manifest, {}, record_digest(canonical(manifest)), self.name))


def two_boxes(station: TestStation) -> tuple[Maker, Maker]:
    """The old box and its spare, each with a lease of its own."""
    makers = []
    for name, place in (("BOX-01", UNIT), ("BOX-02", SPARE)):
        station.enrol(name)
        station.station.assign(name, place, now=station.now)
        terms = Terms(A_BOX, ("first_issue",), station.now + timedelta(days=3), "ab" * 32)
        station.station.lease(name, terms, now=station.now)
        makers.append(Maker(name, 2 * len(makers) + 2))
    return makers[0], makers[1]


def upload(centre: Centre, arrivals: list[OpenedRecord]) -> None:
    for opened in arrivals:
        centre.accept(opened, sha256(opened.record_digest.encode()).hexdigest())


def close(turn: Turn, station: TestStation, k: int) -> None:
    """The old box's epoch ends at number k."""
    epochs.close(turn.connection, "BOX-01", 1, k)
    held.settle_epoch(turn, "BOX-01", 1, k, station.now)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("known", ["before", "after"])
def test_of_two_boxes_in_one_place_every_second_issue_is_held(seed: int, known: str) -> None:
    dice = Random(seed)  # noqa: S311  dice, no secret
    numbers = [f"00130400{seed:02}{person:02}" for person in range(PERSONS)]
    with tempfile.TemporaryDirectory() as folder:
        station = TestStation(Path(folder))
        old, spare = two_boxes(station)
        for maker in (old, spare):
            for _ in range(A_BOX):
                maker.serve(dice.choice(numbers))
        k = dice.randint(0, A_BOX)
        arrivals = [*old.made, *spare.made]
        dice.shuffle(arrivals)
        with station.station.opened() as engine:
            centre = station.station.centre(engine, lambda: station.now)
            with chain.turn(engine) as turn:
                epochs.close(turn.connection, "BOX-01", 1, k if known == "before" else None)
            upload(centre, arrivals)
            if known == "after":
                with chain.turn(engine) as turn:
                    close(turn, station, k)
            with db.reading(engine) as connection:
                assert chain.broken_at(connection) is None
                rows = connection.execute(select(db.records)).all()
                live = connection.execute(select(db.grants).where(db.grants.c.state == "ISSUED")).all()
    assert len(rows) == 2 * A_BOX  # nothing is lost
    accepted = [row for row in rows if row.status == "ACCEPTED"]
    assert max(Counter(row.number for row in accepted).values(), default=0) <= 1
    assert max(Counter(row.number for row in live).values(), default=0) <= 1
    assert {row.record_id for row in accepted} <= {row.record_id for row in live}
    beyond = {row.record_digest for row in rows if row.box == "BOX-01" and row.sequence > k}
    assert not beyond & {row.record_digest for row in accepted}
    for row in rows:
        assert row.status == "ACCEPTED" or row.reason, "who waits has a reason"
    served = {
        number for number in numbers if any(row.number == number for row in rows if row.box == "BOX-02")
    }
    counted = {row.number for row in accepted}
    held_first = {row.number for row in rows if row.status != "ACCEPTED" and row.record_digest in beyond}
    assert served - counted <= held_first, (
        "whoever the spare served has a card that counts, or one that waits"
    )
