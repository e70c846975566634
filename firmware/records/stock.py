"""The stock of blank cards: what was put in is live, void, left, handed on, or missing."""

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

    `out` went on to another box. `missing`: fewer were found, at all counts together, than should have been
    left; below zero when more were found.
    """

    taken_in: int
    live: int
    void: int
    out: int = 0
    missing: int = 0

    @property
    def left(self) -> int:
        """Below zero when more cards were used than were ever booked in: count the box."""
        return self.here - self.live - self.void

    @property
    def here(self) -> int:
        """What of `taken_in` is neither handed on nor missing: live, void, or left."""
        return self.taken_in - self.out - self.missing


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
        """`count` blanks went on to another box (above 0)."""
        self._book("out", count, officers)

    def hand_over(self, counted: int, from_officer: str, to_officer: str) -> int:
        """The shift changed, and these two counted `counted` blanks together; return how many are missing.

        From now on what is left is what was counted. A difference is never absorbed: it stays in the books as
        missing (below zero: found too many) and in the audit, under both names. Raises ValueError for a count
        below 0 and unless two officers count.
        """
        if counted < 0 or not from_officer or not to_officer or from_officer == to_officer:
            raise ValueError("a hand-over is a count by two officers")
        officers = (from_officer, to_officer)
        with self._db.transaction():
            missing = self.blanks().left - counted
            self._insert("counted", counted, officers, missing)
            about = {"count": counted, "missing": missing, "to": to_officer}
            self._audit.append(from_officer, "blanks_counted", None, about)
        return missing

    def blanks(self) -> Blanks:
        return blanks_of(self._db)

    def _book(self, move: str, count: int, officers: Sequence[str]) -> None:
        if count < 1 or not officers:
            raise ValueError("a booking needs a count above 0 and an officer")
        with self._db.transaction():
            self._insert(move, count, officers, 0)
            self._audit.append(officers[0], f"blanks_{move}", None, {"count": count})

    def _insert(self, move: str, count: int, officers: Sequence[str], missing: int) -> None:
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO stock (at, move, count, missing, officers) VALUES (?, ?, ?, ?, ?)",
                (self._clock.stamp(), move, count, missing, json.dumps(list(officers))),
            )


def blanks_of(db: Readable) -> Blanks:
    """The count of a box's blanks, also beside a running kiosk."""
    with db.reading() as connection:
        rows = connection.execute("SELECT move, sum(count), sum(missing) FROM stock GROUP BY move").fetchall()
        live, lost = connection.execute(
            "SELECT count(*) FILTER (WHERE issuing_at IS NOT NULL AND lost_at IS NULL),"
            " count(*) FILTER (WHERE lost_at IS NOT NULL) FROM attempt WHERE elsewhere = 0"
        ).fetchone()
    booked = {move: count for move, count, _ in rows}
    return Blanks(
        taken_in=booked.get("in", 0),
        live=live,
        void=lost + booked.get("spoiled", 0),
        out=booked.get("out", 0),
        missing=sum(missing for *_, missing in rows),
    )
