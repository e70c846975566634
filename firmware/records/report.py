"""`kiosk records …`: what is on this box, in typed rows without anything personal.

Of an unsealed record: states, steps, attempts and which parts are missing; of a sealed one only its head.
Nothing here changes the store, so all of it may run beside a kiosk.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from firmware.records import audit, disk, tickets
from firmware.records.errors import StoreDamaged, StoreError, TicketRefused, UnknownRecord
from firmware.records.format.receipt import SignedReceipt
from firmware.records.format.rules import packs
from firmware.records.format.schema import FINGERS
from firmware.records.inspection import Finding, sealed_bytes, unsent, verify
from firmware.records.shelf import Shelf
from firmware.records.sidecar import HEAD, SEALED
from firmware.records.states import HAS_DRAFT, RecordState

__all__ = [
    "Finding", "audit_rows", "check_audit", "explain", "export", "list_records",
    "receipt_of", "verify",
]  # fmt: skip

S = RecordState
NEEDED = ("subject", "proof", "consent", "eid_request", *(f"finger/{name}" for name in FINGERS), "portrait")
"""The parts that a record must have before it is frozen."""
NEXT = {
    S.DRAFT: "citizen",
    S.FROZEN: "citizen",
    S.ISSUING: "card",
    S.COMPLETE: "seal",
    S.SEALED: "deliver",
    S.ACKED: "purge",
}
_ROWS = "SELECT * FROM record LEFT JOIN sealed ON sealed.record_id = record.id"


@dataclass(frozen=True, slots=True)
class SealedHead:
    """What the outside of a sealed record says. `answer`: kind of the receipt, or None while unsent."""

    sequence: int
    record_digest: str
    sealed_digest: str
    size_bytes: int
    sealed_at: str
    answer: str | None
    acked_at: str | None
    refused: str | None
    quality: dict[str, int]
    """Percent by virtue: right, complete, clean, alive."""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record. Moments are ISO 8601 UTC text; `waiting` is why, `until` the last day of its ticket.

    `until` is None where the ticket does not run out: while a card may be live. `ended` is why a record was
    refused or abandoned.
    """

    record_id: str
    state: RecordState
    case: str
    rule_pack: str
    started_at: str
    completed_at: str | None
    step: str | None
    at_kiosk: bool
    waiting: str | None
    until: str | None
    ended: str | None
    sealed: SealedHead | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try at the record's card. `outcome`: open, issuing (it may be live), live or void."""

    number: int
    stage: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a record is where it is.

    `next` is what it waits for: citizen, card (with its citizen, or two officers who void it), seal (the next
    start does it), deliver, incident (the centre refused it), purge, or nothing. `steps` are (name, moment).
    After sealing `missing`, `attempts` and `steps` are empty.
    """

    record: RecordRow
    next: str
    missing: tuple[str, ...]
    attempts: tuple[AttemptRow, ...]
    steps: tuple[tuple[str, str], ...]
    laws: tuple[str, ...]
    form: str
    """The sheet that the record stands for, by the name that it had under the record's own pack."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One sealed record in the export folder; `problem` says why it is not there."""

    sequence: int
    file: str
    size_bytes: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act. `actor` is an officer's id or a part of the box; `detail` is JSON."""

    n: int
    at: str
    actor: str
    act: str
    record_id: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Whether the audit log is whole: `problems` is empty then. `head` is the digest of the newest row."""

    rows: int
    checkpoints: int
    head: str
    problems: tuple[audit.AuditProblem, ...]


def list_records(shelf: Shelf) -> list[RecordRow]:
    """Every record that this box knows, ended and purged ones too, oldest first."""
    with shelf.db.reading() as connection:
        rows = connection.execute(f"{_ROWS} ORDER BY record.started_at, sequence").fetchall()
    return [_record(row) for row in rows]


def explain(shelf: Shelf, key: str) -> Explanation:
    """Why a record is where it is. `key`: a ticket as typed, or a record's id as `list_records` gives it.

    A sealed record's ticket is forgotten. Raises TicketRefused, UnknownRecord.
    """
    with shelf.db.reading() as connection:
        row = _find(connection, key.strip().lower())
        record, record_id = _record(row), row["id"]
        if record.state not in HAS_DRAFT:
            return Explanation(record, _next(record), (), (), (), *_legal(record))
        parts = connection.execute("SELECT name FROM part WHERE record_id = ?", (record_id,)).fetchall()
        attempts = connection.execute(
            "SELECT * FROM attempt WHERE record_id = ? ORDER BY number", (record_id,)
        ).fetchall()
        steps = connection.execute("SELECT name, at FROM step WHERE record_id = ? ORDER BY n", (record_id,))
        entered = tuple((step["name"], step["at"]) for step in steps)
    present = {part["name"] for part in parts}
    missing = tuple(part for part in NEEDED if part not in present)
    return Explanation(record, _next(record), missing, _attempts(attempts), entered, *_legal(record))


def export(shelf: Shelf, target: Path) -> list[Exported]:
    """Copy every unsent sealed record with its sidecar to the folder `target`, and read it back.

    The records stay in the outbox: only the centre's receipt purges them. Files are encrypted to the centre.
    Raises StoreError when `target` cannot be made.
    """
    disk.make_folder(target)
    with shelf.db.reading() as connection:
        rows = connection.execute("SELECT * FROM sealed WHERE acked_at IS NULL ORDER BY sequence").fetchall()
    copied = [(row["record_id"], _export(shelf, row, target)) for row in rows]
    return [one for record_id, one in copied if one.problem is None or unsent(shelf, record_id)]


def receipt_of(shelf: Shelf, record_id: str) -> SignedReceipt | None:
    """The centre's receipt of a record, if it came. Raises UnknownRecord where no such record was sealed."""
    with shelf.db.reading() as connection:
        row = connection.execute("SELECT receipt FROM sealed WHERE record_id = ?", (record_id,)).fetchone()
    if row is None:
        raise UnknownRecord(f"no sealed record {record_id[:40]} here")
    return SignedReceipt.from_json(row["receipt"]) if row["receipt"] else None


def audit_rows(shelf: Shelf, after: int = 0) -> list[AuditRow]:
    """The audit log from row `after` + 1 on."""
    with shelf.db.reading() as connection:
        rows = connection.execute(
            "SELECT n, at, actor, act, record_id, detail FROM audit WHERE n > ? ORDER BY n", (after,)
        ).fetchall()
    return [AuditRow(*row) for row in rows]


def check_audit(shelf: Shelf) -> AuditReport:
    """Verify the audit log: each row, each signed checkpoint, each head that a sealed record carries."""
    problems = audit.verify(shelf.db, shelf.box, shelf.key)
    with shelf.db.reading() as connection:
        checkpoints = connection.execute("SELECT count(*) FROM checkpoint").fetchone()[0]
        tip = connection.execute("SELECT n, digest FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    n, head = (tip["n"], tip["digest"]) if tip else (0, audit.GENESIS)
    return AuditReport(n, checkpoints, head, tuple(problems))


def _find(connection: sqlite3.Connection, key: str) -> sqlite3.Row:
    if len(key) == 32 and (row := connection.execute(f"{_ROWS} WHERE id = ?", (key,)).fetchone()):
        found: sqlite3.Row = row
        return found
    if len(key) == 32:
        raise UnknownRecord(f"no record {key} here")
    found = connection.execute(f"{_ROWS} WHERE ticket = ?", (tickets.normal(key),)).fetchone()
    if found is None:
        raise TicketRefused("ticket_unknown")
    return found


def _record(row: sqlite3.Row) -> RecordRow:
    state = S(row["state"])
    return RecordRow(
        record_id=row["id"],
        state=state,
        case=row["kind"],
        rule_pack=row["rule_pack"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        step=row["step"] if state in HAS_DRAFT else None,
        at_kiosk=bool(row["is_open"]),
        waiting=row["waiting_reason"],
        until=row["waiting_until"] if state in (S.DRAFT, S.FROZEN) else None,
        ended=row["ended_reason"],
        sealed=_head(row) if row["sequence"] is not None else None,
    )


def _head(row: sqlite3.Row) -> SealedHead:
    receipt = row["receipt"]
    return SealedHead(
        sequence=row["sequence"],
        record_digest=row["record_digest"],
        sealed_digest=row["sealed_digest"],
        size_bytes=row["bytes"],
        sealed_at=row["sealed_at"],
        answer=str(SignedReceipt.from_json(receipt).receipt.kind) if receipt else None,
        acked_at=row["acked_at"],
        refused=row["refused_reason"],
        quality=json.loads(row["quality"]),
    )


def _attempts(rows: list[sqlite3.Row]) -> tuple[AttemptRow, ...]:
    ends = (("lost_at", "void"), ("completed_at", "live"), ("issuing_at", "issuing"))
    return tuple(
        AttemptRow(
            row["number"],
            row["stage"].partition(" ")[0],  # what follows may name the card
            next((outcome for column, outcome in ends if row[column] is not None), "open"),
        )
        for row in rows
    )


def _next(record: RecordRow) -> str:
    refused = record.sealed is not None and record.sealed.refused is not None
    return "incident" if refused else NEXT.get(record.state, "nothing")


def _legal(record: RecordRow) -> tuple[tuple[str, ...], str]:
    pack = packs().get(record.rule_pack)
    if pack is None:
        return (), ""
    return pack.laws, f"{pack.form.name} {pack.form.title} ({pack.form.law})"


def _export(shelf: Shelf, row: sqlite3.Row, target: Path) -> Exported:
    """Write beside, rename, read back: `target` may be a stick that is pulled out."""
    stem = f"{row['sequence']:08d}-{row['record_digest']}"
    about = (row["sequence"], f"{stem}{SEALED}", row["bytes"])
    try:
        data = sealed_bytes(shelf, row)
        disk.write(target / f"{stem}{HEAD}", disk.read(shelf.outbox / f"{stem}{HEAD}"))
        disk.write(target / f"{stem}{SEALED}", data)
        if disk.read(target / f"{stem}{SEALED}") != data:
            raise StoreDamaged("read back an exported record")
    except StoreError as exc:
        return Exported(*about, f"{exc.doing} ({exc.reason})")
    return Exported(*about)
