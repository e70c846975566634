"""Records that ended after a card may have been granted: the centre holds their case until it hears of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from firmware.records.database import Readable
from firmware.records.format.swap import GivenUp
from firmware.records.replay import insert, insert_record
from firmware.records.states import RecordState

S = RecordState
GIVEN_UP = "given_up"
"""Stage of the attempts of an ended record, once the centre knows that no card will come."""


def to_give_up(db: Readable) -> list[GivenUp]:
    """Those that the centre may not have heard of, by this box's journal or a dead one's."""
    with db.reading() as connection:
        rows = connection.execute(
            'SELECT record_id, kind AS "case", rule_pack, max(number) AS attempts'
            " FROM attempt JOIN record ON record.id = record_id"
            " WHERE state IN (?, ?) AND stage <> ? GROUP BY record_id",
            (S.REFUSED, S.ABANDONED, GIVEN_UP),
        ).fetchall()
    return [GivenUp(**dict(row)) for row in rows]


def take_over(
    connection: sqlite3.Connection, every: Iterable[GivenUp], assignment: Mapping[str, Any], at: str
) -> None:
    """What another box had still to tell is told from here."""
    for one in every:
        if connection.execute("SELECT 1 FROM record WHERE id = ?", (one.record_id,)).fetchone():
            continue
        began = {"case": one.case, "rule_pack": one.rule_pack, "assignment": assignment, "started_at": at}
        insert_record(connection, one.record_id, began, S.ABANDONED, ended_reason=GIVEN_UP)
        row = {"record_id": one.record_id, "number": one.attempts, "elsewhere": 1}
        insert(connection, "attempt", row)
