"""Sealed records of other boxes that this one delivers, in the place of a box that it adopted.

    <records>/carried/<box>/00000042-<record digest>.age         as the other box sealed it
    <records>/carried/<box>/00000042-<record digest>.head.json   its sidecar, signed by the other box
    <records>/carried/<box>/box.crt.der                          who the other box is, for a next spare

They are sent after this box's own, and purged by the centre's receipt, which names the other box.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from firmware.records import disk
from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database
from firmware.records.errors import SourceGone, UnknownRecord
from firmware.records.format.receipt import SignedReceipt
from firmware.records.keys import BoxKeys
from firmware.records.outbox import PRIORITY, OutboxCounts, SealedFile, check_receipt, counts_of
from firmware.records.sidecar import HEAD, SEALED, Head

BOX_CERTIFICATE = "box.crt.der"
_UNSENT = "acked_at IS NULL AND refused_reason IS NULL"
_NEXT = f"SELECT * FROM carried WHERE {_UNSENT} ORDER BY priority DESC, sealed_at, box, sequence"  # noqa: S608


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """A sealed file and the box that sealed it."""

    box: str
    sealed: SealedFile


class Carried:
    """The folder of carried files and its table."""

    def __init__(self, db: Database, folder: Path, keys: BoxKeys, audit: Audit, clock: JournalClock) -> None:
        self._db, self._folder, self._keys = db, folder, keys
        self._audit, self._clock = audit, clock

    def folder(self, box: str) -> Path:
        """Where this box's files lie; made when first asked for."""
        for folder in (self._folder, self._folder / box):
            if not folder.is_dir():
                disk.make_folder(folder)
        return self._folder / box

    def take(self, files: Iterable[tuple[Path, Head]]) -> list[Head]:
        """Copy sealed files and their sidecars; return those that are not what their box sealed.

        Each is read once and judged by the bytes that are then written; the copy is read back. What lies here
        whole is not copied again. Nothing is sent before `add`. Raises SourceGone, DiskFull, StoreError.
        """
        spoilt = []
        with disk.Batch() as batch:
            for source, head in files:
                if not self._take(batch, source, head):
                    spoilt.append(head)
        return spoilt

    def _take(self, batch: disk.Batch, source: Path, head: Head) -> bool:
        """Whether the file is whole, here or there."""
        here, name = self.folder(head.box), f"{head.stem}{SEALED}"
        if not _whole(here / name, head.sealed_digest):
            data = _foreign(source / name)
            if data is None or sha256(data).hexdigest() != head.sealed_digest:
                return False
            batch.add(here / name, data, head.sealed_digest)
        signed = _foreign(source / f"{head.stem}{HEAD}")
        if signed is None:
            return False
        batch.add(here / f"{head.stem}{HEAD}", signed)
        return True

    def know(self, box: str, certificate: bytes) -> None:
        """Keep the certificate (DER) that the box's sidecars are verified with."""
        disk.write(self.folder(box) / BOX_CERTIFICATE, certificate)

    def add(self, heads: Iterable[Head]) -> int:
        """Rows for files that `take` has brought, in the caller's transaction; how many are new."""
        rows = [
            (
                head.box,
                head.sequence,
                head.epoch,
                head.record_id,
                head.record_digest,
                head.sealed_digest,
                head.audit_head,
                head.size_bytes,
                head.sealed_at,
                PRIORITY.get(head.case, 0),
            )
            for head in heads
        ]
        with self._db.transaction() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT INTO carried (box, sequence, epoch, record_id, record_digest, sealed_digest,"
                " audit_head, bytes, sealed_at, priority) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                rows,
            )
            return connection.total_changes - before

    def has(self, record_digest: str) -> bool:
        """Whether it was taken over, delivered meanwhile or not."""
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM carried WHERE record_digest = ?", (record_digest,)
            ).fetchone()
        return row is not None

    def next(self, passed: Collection[str] = ()) -> CarriedFile | None:
        """The most urgent unsent one, then the oldest, but for the record digests that were `passed` over."""
        with self._db.reading() as connection:
            row = next((r for r in connection.execute(_NEXT) if r["record_digest"] not in passed), None)
        return self._file(row) if row else None

    def delivered(self, record_digest: str, receipt: bytes | SignedReceipt) -> None:
        """Take the centre's signed receipt and purge the file. Again for an acknowledged one does nothing.

        The receipt is committed first. Raises ReceiptRefused when it is not for this record of that box.
        """
        signed = SignedReceipt.from_json(receipt) if isinstance(receipt, bytes) else receipt
        row = self._row(record_digest)
        check_receipt(row, row["box"], signed, self._keys.receipt_certificate)
        if row["acked_at"] is None:
            with self._db.transaction() as connection:
                connection.execute(
                    "UPDATE carried SET receipt = ?, acked_at = ?, refused_reason = NULL"
                    " WHERE record_digest = ?",
                    (signed.to_json(), self._clock.stamp(), record_digest),
                )
                about = {"box": row["box"], "kind": str(signed.receipt.kind)}
                self._audit.append("centre", "carried_receipt", row["record_id"], about)
        self._purge(row)

    def refused(self, record_digest: str, reason: str) -> None:
        """The centre refused it: it stays here, passed over, as an incident."""
        row = self._row(record_digest)
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE carried SET refused_reason = ? WHERE record_digest = ? AND acked_at IS NULL",
                (reason[:200], record_digest),
            )
            about = {"box": row["box"], "reason": reason[:200]}
            self._audit.append("centre", "carried_refused", row["record_id"], about)

    def offer_again(self, actor: str) -> int:
        """Let the refused ones be sent again; return how many."""
        with self._db.transaction() as connection:
            cursor = connection.execute(
                "UPDATE carried SET refused_reason = NULL WHERE refused_reason IS NOT NULL"
            )
            if cursor.rowcount:
                self._audit.append(actor, "offer_again", None, {"carried": cursor.rowcount})
            return cursor.rowcount

    def unsent(self) -> list[CarriedFile]:
        """All that are not acknowledged, refused ones too."""
        with self._db.reading() as connection:
            rows = connection.execute("SELECT * FROM carried WHERE acked_at IS NULL ORDER BY box, sequence")
            return [self._file(row) for row in rows]

    def counts(self) -> OutboxCounts:
        return counts_of(self._db, "carried")

    def mend(self) -> None:
        """Finish what a crash interrupted: half-written files, files whose receipt is here."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob(f"*/*{disk.TEMPORARY}")):
            disk.remove(path)
        with self._db.reading() as connection:
            rows = connection.execute("SELECT * FROM carried WHERE acked_at IS NOT NULL").fetchall()
        for row in rows:
            self._purge(row)

    def _purge(self, row: sqlite3.Row) -> None:
        file = self._file(row).sealed.path
        if file.exists():
            disk.remove(file, file.with_name(file.name.removesuffix(SEALED) + HEAD))

    def _row(self, record_digest: str) -> sqlite3.Row:
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT * FROM carried WHERE record_digest = ?", (record_digest,)
            ).fetchone()
        if row is None:
            raise UnknownRecord(f"no carried record {record_digest[:16]} here")
        found: sqlite3.Row = row
        return found

    def _file(self, row: sqlite3.Row) -> CarriedFile:
        path = self._folder / row["box"] / f"{row['sequence']:08d}-{row['record_digest']}{SEALED}"
        digests = (row["record_digest"], row["sealed_digest"])
        return CarriedFile(
            row["box"], SealedFile(row["record_id"], row["sequence"], path, row["bytes"], *digests)
        )


def _whole(path: Path, digest: str) -> bool:
    return path.exists() and sha256(disk.read(path)).hexdigest() == digest


def _foreign(path: Path) -> bytes | None:
    """Read from another box's disk; None where this file cannot be read. Raises SourceGone where none can."""
    try:
        return path.read_bytes()
    except OSError as exc:
        if not path.parent.is_dir():
            raise SourceGone(path.name) from exc
        return None
