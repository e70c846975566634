"""The chain of the ledger: each grant, void, issue and record as it was decided, each row over the last.

Whoever decides something takes a `Turn`: it holds the end of the chain, and there is one at a time over all
processes (`db.deciding`). Its rows are written when the turn ends, in the transaction that they speak of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import rfc8785
from sqlalchemy import Connection, Engine, insert, select, update

from centre import db
from centre.cases import stamp


class Act(StrEnum):
    GRANTED = "GRANTED"
    VOIDED = "VOIDED"
    ISSUED = "ISSUED"
    RECORDED = "RECORDED"
    RELEASED = "RELEASED"
    ASSIGNED = "ASSIGNED"
    LEASED = "LEASED"
    ADOPTED = "ADOPTED"
    CONFLICT = "CONFLICT"
    RETIRED = "RETIRED"
    DECIDED = "DECIDED"


@dataclass(slots=True)
class Turn:
    """One transaction that decides, and the rows of the ledger that it will add."""

    connection: Connection
    position: int
    head: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def append(self, act: Act, subject: str, record_id: str, box: str, at: datetime) -> int:
        """One more row of the chain; its position, from 1 without gaps."""
        self.position += 1
        row = {
            "position": self.position,
            "at": stamp(at),
            "act": str(act),
            "subject": subject,
            "record_id": record_id,
            "box": box,
            "previous": self.head,
        }
        self.head = _row_hash(row)
        self.rows.append({**row, "hash": self.head})
        return self.position


@contextmanager
def turn(engine: Engine) -> Iterator[Turn]:
    """The next turn to decide; committed with its rows on leaving, nothing of it if anything is raised."""
    with db.deciding(engine) as (connection, head):
        mine = Turn(connection, head.position, head.hash)
        yield mine
        if mine.rows:
            connection.execute(_INSERT, mine.rows)
            connection.execute(_MOVE, {"position": mine.position, "hash": mine.head})


def broken_at(connection: Connection) -> int | None:
    """The position of the first ledger row that does not fit the chain or is missing; None when all do."""
    previous, place = db.GENESIS, 0
    for found in connection.execute(select(db.ledger).order_by(db.ledger.c.position)):
        place += 1
        row = dict(found._mapping)
        stated = row.pop("hash")
        if (row["position"], row["previous"], stated) != (place, previous, _row_hash(row)):
            return place
        previous = stated
    head = connection.execute(select(db.ledger_head)).one()
    return None if (head.position, head.hash) == (place, previous) else place + 1


_INSERT = insert(db.ledger)
_MOVE = update(db.ledger_head)


def _row_hash(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(dict(row))).hexdigest()
