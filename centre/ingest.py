"""Taking in a record: one turn from an opened seal to a verdict (DESIGN section 5).

A record whose seal, signature and schema hold is never refused for its content. What does not fit the
box's chain (`sequence`), its epoch (`epochs`), the place it took or the ledger (`cards`) is HELD for a
person; a second record of a person in a case that has been settled is DUPLICATE_PERSON. All that a verdict
rests on is read in the turn that writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, insert, or_, select

from centre import cards, db, epochs, held, league, sequence
from centre.cases import stamp
from centre.chain import Act, Turn
from centre.inherited import Inherited, Right
from firmware.records.format.receipt import Receipt, ReceiptKind
from firmware.records.format.seal import OpenedRecord

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An opened record with all that can be worked out before its turn. `by`: the box that brought it."""

    opened: OpenedRecord
    sealed_digest: str
    at: datetime
    measures: Mapping[str, Any]
    by: str

    @classmethod
    def of(cls, opened: OpenedRecord, sealed_digest: str, at: datetime, by: str) -> Arrival:
        return cls(opened, sealed_digest, at, league.row(opened.manifest, opened.record_digest), by)

    @property
    def manifest(self) -> Manifest:
        return self.opened.manifest

    @property
    def number(self) -> str:
        return str(self.manifest["subject"]["number"]["value"])


def take_in(turn: Turn, arrival: Arrival) -> Receipt:
    """The verdict on `arrival`, recorded; the first verdict again if this record was here before."""
    near = _near(turn, arrival)
    same = next((row for row in near if row.record_digest == arrival.opened.record_digest), None)
    status, position = (same.status, same.ledger_position) if same else _judge(turn, arrival, near)
    return Receipt(
        ReceiptKind.HELD if status == held.REJECTED else ReceiptKind(status),
        arrival.opened.record_digest,
        arrival.sealed_digest,
        position,
        arrival.opened.box,
        arrival.manifest["sequence"],
        arrival.manifest["audit_head"],
        arrival.at,
    )


def _near(turn: Turn, arrival: Arrival) -> list[Row[Any]]:
    """Every record that a verdict may turn on: of this id, this person's case, this place in the chain."""
    manifest = arrival.manifest
    here = manifest["sequence"]
    values = {
        "digest": arrival.opened.record_digest,
        "record_id": manifest["record_id"],
        "number": arrival.number,
        "case": manifest["case"],
        "box": arrival.opened.box,
        "before": here - 1,
        "after": here + 1,
    }
    return list(turn.connection.execute(_NEAR, values))


def _judge(turn: Turn, arrival: Arrival, near: list[Row[Any]]) -> tuple[ReceiptKind, int]:
    """The new record's status and its position in the ledger."""
    manifest, opened = arrival.manifest, arrival.opened
    took = Inherited(turn.connection, opened.box)
    reasons = list(_doubts(turn, arrival, near, took))
    if epochs.CLOSED not in reasons:
        reasons += cards.settle(turn, opened.record_digest, manifest, took, arrival.at)
    if reasons:
        status = ReceiptKind.HELD
    elif held.is_duplicate(near, arrival.number, manifest["case"], arrival.at):
        status, reasons = ReceiptKind.DUPLICATE_PERSON, ["duplicate_person"]
    else:
        status = ReceiptKind.ACCEPTED
    position = turn.append(Act.RECORDED, opened.record_digest, manifest["record_id"], opened.box, arrival.at)
    record = {
        "record_digest": opened.record_digest,
        "record_id": manifest["record_id"],
        "box": opened.box,
        "epoch": manifest["assignment"]["epoch"],
        "sequence": manifest["sequence"],
        "previous": manifest["previous_digest"],
        "number": arrival.number,
        "case": manifest["case"],
        "unit": manifest["assignment"]["capture_unit"],
        "status": status,
        "reason": " ".join(reasons),
        "ledger_position": position,
        "received_at": stamp(arrival.at),
    }
    turn.connection.execute(_RECORD, record)
    league.enter(turn.connection, arrival.measures)
    for row in sequence.waiting_for(near, opened.box, manifest["sequence"], opened.record_digest):
        held.lift(turn, row, sequence.GAP, arrival.at)
    return status, position


def _doubts(turn: Turn, arrival: Arrival, near: Collection[Row[Any]], took: Inherited) -> Iterator[str]:
    """Why a person must look at the record: its id, its epoch, whose place it speaks for, its number."""
    manifest, box = arrival.manifest, arrival.opened.box
    if any(row.record_id == manifest["record_id"] and not _is_beyond(row) for row in near):
        yield "record_id_known"
    place = manifest["assignment"]
    yield from epochs.doubts(turn.connection, box, place["epoch"], manifest["sequence"])
    if "began_on" in place:
        yield from _NO_RIGHT[took.right(place["began_on"]["box"], place["began_on"]["epoch"])]
    elif arrival.by != box:
        yield from _NO_RIGHT[Inherited(turn.connection, arrival.by).right(box, place["epoch"])]
    yield from sequence.doubts(
        near, box, manifest["sequence"], manifest["previous_digest"], arrival.opened.record_digest
    )


def _is_beyond(row: Row[Any]) -> bool:
    """Whether this record lies beyond the end of its epoch: it is not in the way of the rightful one."""
    return bool(row.status != ReceiptKind.ACCEPTED and epochs.CLOSED in row.reason.split())


_NO_RIGHT = {Right.NONE: ["adoption_unknown"], Right.DISPUTED: ["adopted_twice"], Right.SOLE: []}
_R = db.records.c
_NEAR = select(db.records).where(
    or_(
        _R.record_digest == bindparam("digest"),
        _R.record_id == bindparam("record_id"),
        and_(_R.number == bindparam("number"), _R.case == bindparam("case")),
        and_(_R.box == bindparam("box"), _R.sequence.between(bindparam("before"), bindparam("after"))),
    )
)
_RECORD = insert(db.records)
