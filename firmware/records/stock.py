"""The stock of blank cards: what was put in is live, void, or left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database, Readable


@dataclass(frozen=True, slots=True)
class Blanks:
    """Counts of cards. `live`: ISSUING was committed and the attempt not lost; `void`: lost or spoiled.

    What left with a hand-over is no longer among `taken_in`; a card that another box began counts there.
    """

    taken_in: int
    live: int
    void: int

    @property
    def left(self) -> int:
        """Below zero when more cards were used than were ever booked in: count the box."""
        return self.taken_in - self.live - self.void


class Stock:
    """Bookings by officers, and the count that follows from them and from the attempts."""

    def __init__(self, db: Database, audit: Audit, clock: JournalClock) -> None:
        self._db = db
        self._audit = audit
        self._clock = clock

    def load(self, count: int, officers: Sequence[str]) -> None:
        """`count` blanks were put in (above 0). Raises ValueError without officer."""
        self._book("in", count, officers)

    def spoil(self, count: int, officers: Sequence[str]) -> None:
        """`count` blanks were found unusable before any attempt (above 0)."""
        self._book("spoiled", count, officers)

    def give(self, count: int, officers: Sequence[str]) -> None:
        """`count` blanks left the box with its hand-over (above 0)."""
        self._book("out", count, officers)

    def blanks(self) -> Blanks:
        return blanks_of(self._db)

    def _book(self, move: str, count: int, officers: Sequence[str]) -> None:
        if count < 1 or not officers:
            raise ValueError("a booking needs a count above 0 and an officer")
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO stock (at, move, count, officers) VALUES (?, ?, ?, ?)",
                (self._clock.stamp(), move, count, json.dumps(list(officers))),
            )
            self._audit.append(officers[0], f"blanks_{move}", None, {"count": count})


def blanks_of(db: Readable) -> Blanks:
    """The count of a box's blanks, also beside a running kiosk."""
    with db.reading() as connection:
        booked = dict(connection.execute("SELECT move, sum(count) FROM stock GROUP BY move").fetchall())
        live, lost = connection.execute(
            "SELECT count(*) FILTER (WHERE issuing_at IS NOT NULL AND lost_at IS NULL),"
            " count(*) FILTER (WHERE lost_at IS NOT NULL) FROM attempt WHERE NOT elsewhere"
        ).fetchone()
    return Blanks(booked.get("in", 0) - booked.get("out", 0), live, lost + booked.get("spoiled", 0))
