"""Taking in a record: one transaction from an opened seal to a receipt (DESIGN section 5).

A record whose seal, signature and schema hold is never refused for its content. What does not fit the
box's chain, its epoch or the ledger is HELD for a person; a second record of a person in a case that
has been settled is DUPLICATE_PERSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select

from centre import db, ledger
from centre.cases import stamp, too_soon
from centre.ledger import Act, Grant
from firmware.records.format.receipt import Receipt, ReceiptKind
from firmware.records.format.seal import OpenedRecord

Manifest = Mapping[str, Any]


def take_in(connection: Connection, opened: OpenedRecord, sealed_digest: str, at: datetime) -> Receipt:
    """The verdict on `opened`, recorded; the first verdict again if this record was here before."""
    row = find(connection, opened.record_digest) or _judge(connection, opened, at)
    return Receipt(
        ReceiptKind(row.status),
        opened.record_digest,
        sealed_digest,
        row.ledger_position,
        opened.box,
        opened.manifest["sequence"],
        opened.manifest["audit_head"],
        at,
    )


def find(connection: Connection, record_digest: str) -> Row[Any] | None:
    """The record of this digest, or None."""
    where = db.records.c.record_digest == record_digest
    return connection.execute(select(db.records).where(where)).first()


def _judge(connection: Connection, opened: OpenedRecord, at: datetime) -> Row[Any]:
    manifest = opened.manifest
    reasons = list(_doubts(connection, manifest, opened.record_digest))
    reasons += _settle_cards(connection, manifest, at)
    if reasons:
        status = ReceiptKind.HELD
    elif _duplicate(connection, manifest, at):
        status, reasons = ReceiptKind.DUPLICATE_PERSON, ["duplicate_person"]
    else:
        status = ReceiptKind.ACCEPTED
    box = opened.box
    position = ledger.append(connection, Act.RECORDED, opened.record_digest, manifest["record_id"], box, at)
    connection.execute(
        insert(db.records).values(
            record_digest=opened.record_digest,
            record_id=manifest["record_id"],
            box=box,
            epoch=manifest["assignment"]["epoch"],
            sequence=manifest["sequence"],
            previous=manifest["previous_digest"],
            number=manifest["subject"]["number"]["value"],
            case=manifest["case"],
            unit=manifest["assignment"]["capture_unit"],
            status=status,
            reason=" ".join(reasons),
            ledger_position=position,
            received_at=stamp(at),
        )
    )
    row = find(connection, opened.record_digest)
    if row is None:
        raise LookupError("the record that was just written is not there")
    return row


def _doubts(connection: Connection, manifest: Manifest, digest: str) -> Iterator[str]:
    """Why a person must look at the record: its id, its epoch, its place in the box's chain."""
    same_id = db.records.c.record_id == manifest["record_id"]
    if connection.execute(select(db.records.c.record_digest).where(same_id)).first():
        yield "record_id_known"
    box, sequence = manifest["assignment"]["box"], manifest["sequence"]
    epoch = connection.execute(
        select(db.epochs).where(db.epochs.c.box == box, db.epochs.c.epoch == manifest["assignment"]["epoch"])
    ).first()
    if epoch is None:
        yield "epoch_unknown"
    elif epoch.closed_at_number is not None and sequence > epoch.closed_at_number:
        yield "epoch_closed"
    yield from _chain(connection, box, sequence, manifest["previous_digest"], digest)


def _chain(connection: Connection, box: str, sequence: int, previous: str, digest: str) -> Iterator[str]:
    if _at_sequence(connection, box, sequence):
        yield "sequence_taken"
    before = _at_sequence(connection, box, sequence - 1)
    if sequence > 1 and not before:
        yield "sequence_gap"
    if before and previous not in {row.record_digest for row in before}:
        yield "chain_broken"
    after = _at_sequence(connection, box, sequence + 1)
    if after and digest not in {row.previous for row in after}:
        yield "chain_broken"


def _at_sequence(connection: Connection, box: str, sequence: int) -> list[Row[Any]]:
    place = and_(db.records.c.box == box, db.records.c.sequence == sequence)
    return list(connection.execute(select(db.records).where(place)))


def _settle_cards(connection: Connection, manifest: Manifest, at: datetime) -> list[str]:
    """Move the record's grants to VOID and ISSUED; the reasons to doubt its cards.

    The card of a held record is in the citizen's hand too: its grant does not stay open.
    """
    reasons = []
    box, record_id = manifest["assignment"]["box"], manifest["record_id"]
    for card in manifest["void_cards"]:
        grant = ledger.find(connection, card["sod_sha256"])
        if grant is None or grant.record_id != record_id:
            reasons.append("void_card_unknown")
        elif grant.state == Grant.ISSUED:
            reasons.append("void_card_issued")
        else:
            ledger.settle(connection, card["sod_sha256"], Grant.VOID, box, at)
    chip = manifest["chip"]
    if chip is not None:
        reasons += _issued(connection, manifest, chip, at)
    if ledger.has_open(connection, record_id):
        reasons.append("card_unaccounted")
    return reasons


def _issued(connection: Connection, manifest: Manifest, chip: Manifest, at: datetime) -> Iterator[str]:
    grant = ledger.find(connection, chip["sod_sha256"])
    if grant is None:
        yield "sod_unknown"
        return
    asked = (grant.record_id, grant.number, grant.case, grant.box, grant.attempt)
    number, box = manifest["subject"]["number"]["value"], manifest["assignment"]["box"]
    if asked != (manifest["record_id"], number, manifest["case"], box, chip["attempt"]):
        yield "sod_of_another"
    elif grant.state != Grant.OPEN:
        yield "sod_void" if grant.state == Grant.VOID else "sod_used"
    else:
        ledger.settle(connection, chip["sod_sha256"], Grant.ISSUED, box, at)


def _duplicate(connection: Connection, manifest: Manifest, at: datetime) -> bool:
    same = and_(
        db.records.c.number == manifest["subject"]["number"]["value"],
        db.records.c.case == manifest["case"],
        db.records.c.status == ReceiptKind.ACCEPTED,
    )
    found = connection.execute(select(db.records.c.received_at).where(same))
    return any(too_soon(manifest["case"], row.received_at, at) for row in found)
