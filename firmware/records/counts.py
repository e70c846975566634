"""How many records, waiting visits and blanks a box has: one look at the whole journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from firmware.records.database import Database
from firmware.records.format.check import parse_moment
from firmware.records.outbox import Outbox, OutboxCounts
from firmware.records.states import RecordState
from firmware.records.stock import Blanks, Stock


@dataclass(frozen=True, slots=True)
class Counts:
    """What STATUS shows of the records."""

    outbox: OutboxCounts
    blanks: Blanks
    waiting: int
    unsealed: int


def counts(db: Database, outbox: Outbox, stock: Stock) -> Counts:
    """What was handed over is no longer counted."""
    with db.reading() as connection:
        waiting, unsealed = connection.execute(
            "SELECT count(*) FILTER (WHERE waiting_until IS NOT NULL),"
            " count(*) FILTER (WHERE state = ? AND ended_reason IS NULL) FROM record",
            (RecordState.COMPLETE,),
        ).fetchone()
    return Counts(outbox.counts(), stock.blanks(), waiting, unsealed)


def newest(db: Database) -> datetime | None:
    """The newest moment that the journal speaks of."""
    with db.reading() as connection:
        at = connection.execute("SELECT max(at) FROM (SELECT at FROM audit UNION ALL SELECT at FROM step)")
        return parse_moment(at.fetchone()[0])
