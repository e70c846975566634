"""Taking in a record: one turn from an opened seal to a verdict (DESIGN section 5).

A record whose seal, signature and schema hold is never refused for its content. What does not fit the
box's chain, its epoch or the ledger is HELD for a person; a second record of a person in a case that
has been settled is DUPLICATE_PERSON. All that a verdict rests on is read in the turn that writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, insert, or_, select, update

from centre import db, league, ledger
from centre.cases import stamp, too_soon
from centre.chain import Act, Turn
from centre.ledger import Grant
from firmware.records.format.receipt import Receipt, ReceiptKind
from firmware.records.format.seal import OpenedRecord

Manifest = Mapping[str, Any]
GAP = "sequence_gap"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An opened record with all that can be worked out before its turn."""

    opened: OpenedRecord
    sealed_digest: str
    at: datetime
    measures: Mapping[str, Any]

    @classmethod
    def of(cls, opened: OpenedRecord, sealed_digest: str, at: datetime) -> Arrival:
        return cls(opened, sealed_digest, at, league.row(opened.manifest, opened.record_digest))

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
        ReceiptKind(status),
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
    sequence = manifest["sequence"]
    values = {
        "digest": arrival.opened.record_digest,
        "record_id": manifest["record_id"],
        "number": arrival.number,
        "case": manifest["case"],
        "box": arrival.opened.box,
        "before": sequence - 1,
        "after": sequence + 1,
    }
    return list(turn.connection.execute(_NEAR, values))


def _judge(turn: Turn, arrival: Arrival, near: list[Row[Any]]) -> tuple[ReceiptKind, int]:
    """The new record's status and its position in the ledger."""
    manifest, opened = arrival.manifest, arrival.opened
    reasons = list(_doubts(turn, arrival, near))
    reasons += _settle_cards(turn, arrival)
    if reasons:
        status = ReceiptKind.HELD
    elif _duplicate(near, arrival.number, manifest["case"], arrival.at):
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
    _release(turn, arrival, near)
    return status, position


def _doubts(turn: Turn, arrival: Arrival, near: Collection[Row[Any]]) -> Iterator[str]:
    """Why a person must look at the record: its id, its epoch, its place in the box's chain."""
    manifest, box = arrival.manifest, arrival.opened.box
    if any(row.record_id == manifest["record_id"] for row in near):
        yield "record_id_known"
    epoch = turn.connection.execute(_EPOCH, {"box": box, "epoch": manifest["assignment"]["epoch"]}).first()
    if epoch is None:
        yield "epoch_unknown"
    elif epoch.closed_at_number is not None and manifest["sequence"] > epoch.closed_at_number:
        yield "epoch_closed"
    yield from _chain(arrival, near)


def _chain(arrival: Arrival, near: Collection[Row[Any]]) -> Iterator[str]:
    box, sequence = arrival.opened.box, arrival.manifest["sequence"]
    before, here, after = (
        [row for row in near if (row.box, row.sequence) == (box, place)]
        for place in (sequence - 1, sequence, sequence + 1)
    )
    if here:
        yield "sequence_taken"
    if sequence > 1 and not before:
        yield GAP
    if before and arrival.manifest["previous_digest"] not in {row.record_digest for row in before}:
        yield "chain_broken"
    if after and arrival.opened.record_digest not in {row.previous for row in after}:
        yield "chain_broken"


def _settle_cards(turn: Turn, arrival: Arrival) -> list[str]:
    """Move the record's grants to VOID and ISSUED; the reasons to doubt its cards.

    The card of a held record is in the citizen's hand too: its grant does not stay open.
    """
    manifest, box, at = arrival.manifest, arrival.opened.box, arrival.at
    record_id, chip = manifest["record_id"], manifest["chip"]
    void = dict.fromkeys(card["sod_sha256"] for card in manifest["void_cards"])
    grants = ledger.concerning(turn.connection, record_id, [*void, chip["sod_sha256"]] if chip else [*void])
    reasons, left = [], {sod for sod, grant in grants.items() if _is_open(grant, record_id)}
    for sod in void:
        grant = grants.get(sod)
        if grant is None or grant.record_id != record_id:
            reasons.append("void_card_unknown")
        elif grant.state == Grant.ISSUED:
            reasons.append("void_card_issued")
        else:
            ledger.settle(turn, grant, Grant.VOID, box, at)
            left.discard(sod)
    if chip is not None:
        grant = grants.get(chip["sod_sha256"])
        doubt = _doubt_of_card(arrival, chip, grant)
        if grant is None or doubt is not None:
            reasons.append(doubt or "sod_unknown")
        else:
            ledger.settle(turn, grant, Grant.ISSUED, box, at)
            left.discard(grant.sod_sha256)
    return [*reasons, "card_unaccounted"] if left else reasons


def _is_open(grant: Row[Any], record_id: str) -> bool:
    return bool(grant.record_id == record_id and grant.state == Grant.OPEN)


def _doubt_of_card(arrival: Arrival, chip: Manifest, grant: Row[Any] | None) -> str | None:
    """Why the centre cannot take this card for the one that it granted to this record."""
    if grant is None:
        return "sod_unknown"
    asked = (grant.record_id, grant.number, grant.case, grant.box, grant.attempt)
    manifest = arrival.manifest
    stated = (manifest["record_id"], arrival.number, manifest["case"], arrival.opened.box, chip["attempt"])
    if asked != stated:
        return "sod_of_another"
    if grant.state != Grant.OPEN:
        return "sod_void" if grant.state == Grant.VOID else "sod_used"
    return None


def _release(turn: Turn, arrival: Arrival, near: Collection[Row[Any]]) -> None:
    """A record that was held only because this one before it was missing waits for nobody any more."""
    follows = (arrival.opened.box, arrival.manifest["sequence"] + 1, arrival.opened.record_digest)
    for row in near:
        if (row.status, row.reason) != (ReceiptKind.HELD, GAP):
            continue
        if (row.box, row.sequence, row.previous) != follows:
            continue
        settled = turn.connection.execute(_OF_CASE, {"number": row.number, "case": row.case}).all()
        at = datetime.fromisoformat(row.received_at)
        twice = _duplicate(settled, row.number, row.case, at)
        status = ReceiptKind.DUPLICATE_PERSON if twice else ReceiptKind.ACCEPTED
        reason = "duplicate_person" if twice else ""
        turn.connection.execute(_SETTLE, {"digest": row.record_digest, "to": status, "why": reason})
        turn.append(Act.RELEASED, row.record_digest, row.record_id, row.box, arrival.at)


def _duplicate(rows: Collection[Row[Any]], number: str, case: str, at: datetime) -> bool:
    return any(
        (row.number, row.case, row.status) == (number, case, ReceiptKind.ACCEPTED)
        and too_soon(case, row.received_at, at)
        for row in rows
    )


_R = db.records.c
_OF_THIS_CASE = and_(_R.number == bindparam("number"), _R.case == bindparam("case"))
_NEAR = select(db.records).where(
    or_(
        _R.record_digest == bindparam("digest"),
        _R.record_id == bindparam("record_id"),
        _OF_THIS_CASE,
        and_(_R.box == bindparam("box"), _R.sequence.between(bindparam("before"), bindparam("after"))),
    )
)
_OF_CASE = select(db.records).where(_OF_THIS_CASE)
_EPOCH = select(db.epochs.c.closed_at_number).where(
    db.epochs.c.box == bindparam("box"), db.epochs.c.epoch == bindparam("epoch")
)
_RECORD = insert(db.records)
_SETTLE = (
    update(db.records)
    .where(_R.record_digest == bindparam("digest"))
    .values(status=bindparam("to"), reason=bindparam("why"))
)
