"""The right to make a card (DESIGN section 6): what is granted, voided and issued, each a row of the chain.

A grant is OPEN from its signature until its card is reported lost (VOID) or its record is accepted
(ISSUED). One (number, case) has at most one OPEN grant; the database holds that rule too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import rfc8785
from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update

from centre import db
from centre.cases import stamp, too_soon
from centre.chain import Act, Turn
from centre.errors import Refused
from centre.inherited import Inherited, Right
from centre.pki import Credential
from centre.signer import sign_document
from firmware.records.format.signing import LDS_1_7


class Grant(StrEnum):
    OPEN = "OPEN"
    VOID = "VOID"
    ISSUED = "ISSUED"


@dataclass(frozen=True, slots=True)
class Issue:
    """One signing request: SHA-256 by data group number, for one try to make one record's card.

    `lost` are the earlier attempts of the same record whose cards an officer has given up.
    """

    record_id: str
    number: str
    case: str
    box: str
    epoch: int
    attempt: int
    data_groups: Mapping[int, bytes]
    lost: frozenset[int] = frozenset()
    lds_version: str = LDS_1_7

    @property
    def content_sha256(self) -> str:
        """What must not change when the same attempt is asked again."""
        content: dict[str, str | int] = {
            "number": self.number,
            "case": self.case,
            "box": self.box,
            "epoch": self.epoch,
            "data_groups": ",".join(f"{n}:{h.hex()}" for n, h in sorted(self.data_groups.items())),
            **({} if self.lds_version == LDS_1_7 else {"lds_version": self.lds_version}),
        }
        return hashlib.sha256(rfc8785.dumps({**content})).hexdigest()


def grant(turn: Turn, issue: Issue, signer: Credential, at: datetime) -> bytes:
    """EF.SOD for `issue`, signed now or when it was first asked; part of the caller's turn.

    What was granted to a box is given to the one that took its place, over the same content.
    Raises Refused(409): attempt_changed, attempt_void, already_issued, attempt_open, open_elsewhere;
    Refused(403) other_box for a record that another box works on.
    """
    took = Inherited(turn.connection, issue.box)
    granted = turn.connection.execute(_OF_RECORD, {"record_id": issue.record_id}).all()
    if any(took.right(row.box, row.epoch) is Right.NONE for row in granted):
        raise Refused(403, "other_box", "another box works on this record")
    same = next((row for row in granted if row.attempt == issue.attempt and row.lease is None), None)
    if same is not None:
        return _again(same, issue)
    earlier = frozenset(attempt for attempt in issue.lost if attempt < issue.attempt)
    give_up(turn, issue.record_id, earlier, issue.box, at)
    _refuse_second(turn.connection, issue, at)
    ef_sod = sign_document(issue.data_groups, signer, at, issue.lds_version)
    sod_sha256 = hashlib.sha256(ef_sod).hexdigest()
    turn.connection.execute(
        insert(db.grants).values(
            sod_sha256=sod_sha256,
            number=issue.number,
            case=issue.case,
            record_id=issue.record_id,
            box=issue.box,
            epoch=issue.epoch,
            attempt=issue.attempt,
            content_sha256=issue.content_sha256,
            ef_sod=ef_sod,
            state=Grant.OPEN,
            settled_at="",
        )
    )
    turn.append(Act.GRANTED, sod_sha256, issue.record_id, issue.box, at)
    return ef_sod


def give_up(turn: Turn, record_id: str, attempts: frozenset[int], box: str, at: datetime) -> int:
    """Void the OPEN grants of these attempts, whose cards will never be completed; how many there were.

    A record that was abandoned after its signature would otherwise hold its case for ever.
    """
    of_record = and_(db.grants.c.record_id == record_id, db.grants.c.state == Grant.OPEN)
    found = turn.connection.execute(select(db.grants).where(of_record)).all()
    chosen = [row for row in found if row.attempt in attempts]
    for row in chosen:
        settle(turn, row, Grant.VOID, box, at)
    return len(chosen)


def is_of(connection: Connection, record_id: str, box: str) -> bool:
    """Whether every grant of this record, if any, was given to `box` or to one whose place it took."""
    took = Inherited(connection, box)
    granted = connection.execute(_OF_RECORD, {"record_id": record_id}).all()
    return all(took.right(row.box, row.epoch) is not Right.NONE for row in granted)


def concerning(connection: Connection, record_id: str, sods: Collection[str]) -> dict[str, Row[Any]]:
    """The grants of this record, and those whose EF.SOD has one of these SHA-256 (hex), by that."""
    found = connection.execute(_CONCERNING, {"record_id": record_id, "sods": list(sods)})
    return {row.sod_sha256: row for row in found}


def settle(turn: Turn, grant: Row[Any], state: Grant, box: str, at: datetime) -> None:
    """Move an OPEN grant to VOID or ISSUED; one that is no longer open stays as it is."""
    if grant.state != Grant.OPEN:
        return
    settled = {"sod": grant.sod_sha256, "to": state, "moment": stamp(at)}
    turn.connection.execute(_SETTLE, settled)
    act = Act.VOIDED if state is Grant.VOID else Act.ISSUED
    turn.append(act, grant.sod_sha256, grant.record_id, box, at)


def enter(turn: Turn, card: Mapping[str, Any], state: Grant, at: datetime) -> None:
    """The row of a card that was signed under a lease, settled from the start."""
    turn.connection.execute(_ENTER, {**card, "state": state, "settled_at": stamp(at)})
    act = Act.VOIDED if state is Grant.VOID else Act.ISSUED
    turn.append(act, card["sod_sha256"], card["record_id"], card["box"], at)


def revoke(turn: Turn, grant: Row[Any], by: str, at: datetime) -> None:
    """Void a grant whatever it is, at a person's word."""
    turn.connection.execute(_SETTLE, {"sod": grant.sod_sha256, "to": Grant.VOID, "moment": stamp(at)})
    turn.append(Act.VOIDED, grant.sod_sha256, grant.record_id, by, at)


def counts(connection: Connection) -> dict[str, int]:
    """How many grants are in each state."""
    rows = connection.execute(select(db.grants.c.state, func.count()).group_by(db.grants.c.state))
    found = {str(row[0]): int(row[1]) for row in rows}
    return {state.lower(): found.get(state, 0) for state in Grant}


_CONCERNING = select(db.grants).where(
    or_(
        db.grants.c.record_id == bindparam("record_id"),
        db.grants.c.sod_sha256.in_(bindparam("sods", expanding=True)),
    )
)
_OF_RECORD = select(db.grants).where(db.grants.c.record_id == bindparam("record_id"))
_ENTER = insert(db.grants)
_SETTLE = (
    update(db.grants)
    .where(db.grants.c.sod_sha256 == bindparam("sod"))
    .values(state=bindparam("to"), settled_at=bindparam("moment"))
)


def _again(row: Row[Any], issue: Issue) -> bytes:
    asked = replace(issue, box=row.box, epoch=row.epoch)  # as it was asked then
    if row.content_sha256 != asked.content_sha256:
        raise Refused(409, "attempt_changed", "this attempt was signed over other content")
    if row.state == Grant.VOID:
        raise Refused(409, "attempt_void", "this attempt was reported lost")
    return bytes(row.ef_sod)


def _refuse_second(connection: Connection, issue: Issue, at: datetime) -> None:
    of_case = and_(db.grants.c.number == issue.number, db.grants.c.case == issue.case)
    for row in connection.execute(select(db.grants).where(of_case)):
        if row.state == Grant.OPEN and row.record_id == issue.record_id:
            raise Refused(409, "attempt_open", f"attempt {row.attempt} is not reported lost")
        if row.state == Grant.OPEN:
            raise Refused(409, "open_elsewhere", "another record has the open issue of this case")
        if row.state == Grant.ISSUED and (
            row.record_id == issue.record_id or too_soon(issue.case, row.settled_at, at)
        ):
            raise Refused(409, "already_issued", "a card was issued for this case")
