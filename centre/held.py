"""Records that wait: a reason that has gone releases them, a person decides the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import rfc8785
from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update

from centre import cards, db, epochs
from centre.cases import stamp, too_soon
from centre.chain import Act, Turn
from centre.errors import CentreSetupError
from firmware.records.format.receipt import ReceiptKind

REJECTED: Final = "REJECTED"
"""What a person did not take; the box's receipt stays HELD."""


def lift(turn: Turn, row: Row[Any], reason: str, at: datetime) -> None:
    """Take one reason off a held record; the last one releases it."""
    left = " ".join(one for one in row.reason.split() if one != reason)
    if left:
        _set(turn, row, ReceiptKind.HELD, left)
        return
    settled = turn.connection.execute(_OF_CASE, {"number": row.number, "case": row.case}).all()
    twice = is_duplicate(settled, row.number, row.case, datetime.fromisoformat(row.received_at))
    status = ReceiptKind.DUPLICATE_PERSON if twice else ReceiptKind.ACCEPTED
    _set(turn, row, status, "duplicate_person" if twice else "")
    turn.append(Act.RELEASED, row.record_digest, row.record_id, row.box, at)


def settle_epoch(turn: Turn, box: str, epoch: int, closed_at: int, at: datetime) -> None:
    """The epoch's last number is known: what was held for want of it is released, or lies beyond it."""
    query = select(_R).where(_R.c.box == box, _R.c.epoch <= epoch, _R.c.status == ReceiptKind.HELD)
    for row in turn.connection.execute(query.order_by(_R.c.sequence)).all():
        if epochs.UNCLEAR not in row.reason.split():
            continue
        if row.sequence <= closed_at:
            lift(turn, row, epochs.UNCLEAR, at)
        else:
            _set(turn, row, ReceiptKind.HELD, row.reason.replace(epochs.UNCLEAR, epochs.CLOSED))


def is_duplicate(rows: Collection[Row[Any]], number: str, case: str, at: datetime) -> bool:
    """Whether one of these is the person's settled record of this case."""
    return any(
        (row.number, row.case, row.status) == (number, case, ReceiptKind.ACCEPTED)
        and too_soon(case, row.received_at, at)
        for row in rows
    )


def listing(connection: Connection) -> list[dict[str, Any]]:
    """Every record that waits for a person, oldest first; nothing of the person in it."""
    names = ("record_digest", "record_id", "box", "epoch", "sequence", "unit", "case", "received_at")
    query = select(_R).where(_R.c.status == ReceiptKind.HELD).order_by(_R.c.ledger_position)
    return [
        {**{name: getattr(row, name) for name in names}, "reasons": row.reason.split()}
        for row in connection.execute(query)
    ]


def find(connection: Connection, record_digest: str) -> Row[Any]:
    """The held record. Raises CentreSetupError when there is none, or it waits for nobody."""
    row = connection.execute(select(_R).where(_R.c.record_digest == record_digest)).first()
    if row is None:
        raise CentreSetupError(f"there is no record {record_digest}: see `kiosk-centre held`")
    if row.status != ReceiptKind.HELD:
        raise CentreSetupError(f"that record is {row.status}: only one that is HELD is decided, and once")
    return row


def decide(
    turn: Turn, record_digest: str, manifest: Mapping[str, Any], accept: bool, by: str, why: str, at: datetime
) -> None:
    """A person's word on a held record: it counts from now on, or never; its cards follow.

    Raises CentreSetupError as `find`, and when what would be accepted twice is accepted already.
    """
    row = find(turn.connection, record_digest)
    if accept:
        _refuse_second(turn.connection, row)
        cards.take(turn, manifest, at)
        _set(turn, row, ReceiptKind.ACCEPTED, "")
    else:
        others = select(_R).where(_R.c.record_id == row.record_id, _R.c.status != REJECTED)
        if len(turn.connection.execute(others).all()) == 1:
            cards.give_back(turn, row.record_id, by, at)
        _set(turn, row, REJECTED, row.reason)
    verdict = ReceiptKind.ACCEPTED.value if accept else REJECTED
    said = {"record_digest": record_digest, "verdict": verdict, "by": by, "why": why, "at": stamp(at)}
    body = rfc8785.dumps({**said, "reasons": row.reason.split()})
    turn.connection.execute(insert(db.decisions).values(**said, body=body))
    turn.append(Act.DECIDED, sha256(body).hexdigest(), row.record_id, by, at)


def _refuse_second(connection: Connection, row: Row[Any]) -> None:
    """What the database itself would refuse, in words."""
    same_person = and_(_R.c.number == row.number, _R.c.case == "first_issue")
    same = [_R.c.record_id == row.record_id, and_(_R.c.box == row.box, _R.c.sequence == row.sequence)]
    clashes = or_(*same, same_person) if row.case == "first_issue" else or_(*same)
    accepted = select(_R.c.record_digest).where(clashes, _R.c.status == ReceiptKind.ACCEPTED)
    other = connection.execute(accepted).scalars().first()
    if other is not None:
        raise CentreSetupError(f"{other} is accepted for the same record, place or person: reject this one")


def _set(turn: Turn, row: Row[Any], status: str, reason: str) -> None:
    turn.connection.execute(_SETTLE, {"digest": row.record_digest, "to": status, "why": reason})


_R = db.records
_OF_CASE = select(_R).where(_R.c.number == bindparam("number"), _R.c.case == bindparam("case"))
_SETTLE = (
    update(_R)
    .where(_R.c.record_digest == bindparam("digest"))
    .values(status=bindparam("to"), reason=bindparam("why"))
)
