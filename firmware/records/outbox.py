"""Sealed records on their way to the centre: urgent ones first, kept until its signed receipt is here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from firmware.records import disk, sidecar
from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database, Readable
from firmware.records.drafts import Drafts
from firmware.records.errors import StoreDamaged, UnknownRecord
from firmware.records.format.errors import ReceiptRefused
from firmware.records.format.receipt import SignedReceipt
from firmware.records.keys import BoxKeys
from firmware.records.sidecar import HEAD, SEALED, Head
from firmware.records.states import RecordState

S = RecordState
PRIORITY: Mapping[str, int] = {"replacement": 1, "correction": 1}
"""By case: who has no valid card meanwhile comes before who renews in time. All others: 0."""
URGENT = 9
"""A person at the counter says so: an examination tomorrow, a person of merit, a funeral."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file to send. `path` may be read until its receipt is here."""

    record_id: str
    sequence: int
    path: Path
    bytes: int
    record_digest: str
    sealed_digest: str


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """`refused` are among `unsent`; `oldest_at` is when the oldest unsent record was sealed."""

    unsent: int
    unsent_bytes: int
    oldest_at: str | None
    refused: int
    delivered: int


class Outbox:
    """The folder of sealed files and its table."""

    def __init__(
        self,
        db: Database,
        folder: Path,
        keys: BoxKeys,
        audit: Audit,
        clock: JournalClock,
        drafts: Drafts,
    ) -> None:
        self._db = db
        self._folder = folder
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._drafts = drafts
        disk.make_folder(folder)

    def next_sealed(self, passed: Collection[int] = ()) -> SealedFile | None:
        """The most urgent unsent record, then the oldest, but for the sequences that were `passed` over.

        Those that the centre refused are left out.
        """
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM sealed WHERE acked_at IS NULL AND refused_reason IS NULL"
                " ORDER BY priority DESC, sequence"
            )
            row = next((row for row in rows if row["sequence"] not in passed), None)
        return self._file(row) if row else None

    def hasten(self, record_id: str, actor: str) -> None:
        """Let an unsent record be sent before all others; `actor` is who says so. Raises WrongState."""
        self._row(record_id)
        self._drafts.require(record_id, S.SEALED)
        with self._db.transaction() as connection:
            connection.execute("UPDATE sealed SET priority = ? WHERE record_id = ?", (URGENT, record_id))
            self._audit.append(actor, "hasten", record_id)

    def read(self, record_id: str) -> bytes:
        """The sealed bytes, checked against their digest. Raises StoreDamaged, UnknownRecord."""
        file = self._file(self._row(record_id))
        data = disk.read(file.path)
        if sha256(data).hexdigest() != file.sealed_digest:
            raise StoreDamaged(f"read sealed record {file.sequence}")
        return data

    def delivered(self, record_id: str, receipt: bytes | SignedReceipt) -> None:
        """Take the centre's signed receipt (JSON as it came, or parsed) and purge the sealed file.

        The receipt is committed first; a crash before the file is gone is finished at the next start. Again
        for an acknowledged record does nothing. Raises ReceiptRefused when the signature does not hold or it
        speaks of another record; then nothing changes.
        """
        signed = SignedReceipt.from_json(receipt) if isinstance(receipt, bytes) else receipt
        row = self._row(record_id)
        check_receipt(row, self._keys.box, signed, self._keys.receipt_certificate)
        if self._drafts.state(record_id) in (S.ACKED, S.PURGED):
            return
        with self._db.transaction() as connection:
            self._drafts.move(record_id, S.ACKED)
            connection.execute(
                "UPDATE sealed SET receipt = ?, acked_at = ?, refused_reason = NULL WHERE record_id = ?",
                (signed.to_json(), self._clock.stamp(), record_id),
            )
            about = {"kind": str(signed.receipt.kind), "position": signed.receipt.position}
            self._audit.append("centre", "receipt", record_id, about)
        self.purge(record_id)

    def refused(self, record_id: str, reason: str) -> None:
        """The centre refused it for signature or schema: it stays here, passed over, as an incident."""
        self._row(record_id)
        self._drafts.require(record_id, S.SEALED)
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE sealed SET refused_reason = ? WHERE record_id = ?", (reason[:200], record_id)
            )
            self._audit.append("centre", "refused", record_id, {"reason": reason[:200]})

    def offer_again(self, actor: str = "kiosk") -> int:
        """Somebody of the staff lets the refused ones be sent again; return how many."""
        with self._db.transaction() as connection:
            cursor = connection.execute(
                "UPDATE sealed SET refused_reason = NULL WHERE refused_reason IS NOT NULL"
            )
            self._audit.append(actor, "offer_again", None, {"count": cursor.rowcount})
            return cursor.rowcount

    def purge(self, record_id: str) -> None:
        """ACKED → PURGED: remove the sealed file; the newest sidecar stays."""
        row = self._row(record_id)
        self._drafts.require(record_id, S.ACKED)
        file = self._file(row).path
        disk.remove(file)
        with self._db.reading() as connection:
            newest = connection.execute("SELECT max(sequence) FROM sealed").fetchone()[0]
        for path in sorted(self._folder.glob(f"*{HEAD}")):
            stem = sidecar.stem_of(path)
            if (
                stem
                and stem[0] < newest
                and not path.with_name(path.name.removesuffix(HEAD) + SEALED).exists()
            ):
                disk.remove(path)
        with self._db.transaction():
            self._drafts.move(record_id, S.PURGED)

    def receipt(self, record_id: str) -> SignedReceipt | None:
        """The stored receipt, if it came."""
        data = self._row(record_id)["receipt"]
        return SignedReceipt.from_json(data) if data else None

    def counts(self) -> OutboxCounts:
        return counts_of(self._db, "sealed")

    def tip(self) -> tuple[int, str] | None:
        """Sequence and record digest of the newest record of this box, sent or not."""
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT sequence, record_digest FROM sealed ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        return (row["sequence"], row["record_digest"]) if row else None

    def put(self, head: Head, data: bytes) -> Path:
        """Write sidecar and sealed file, and read the file back. Raises StoreDamaged if it differs.

        What an earlier, torn seal left under the same number is removed first.
        """
        self.remove_strays()
        path = self._folder / f"{head.stem}{SEALED}"
        sidecar.write(self._folder, head, self._keys.signer)
        disk.write(path, data)
        if sha256(disk.read(path)).hexdigest() != head.sealed_digest:
            raise StoreDamaged(f"read back sealed record {head.sequence}")
        return path

    def insert(self, head: Head, rebuilt: bool = False) -> None:
        """The row of a sealed file that is durable, in the caller's transaction."""
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO sealed (sequence, record_id, record_digest, previous_digest, sealed_digest,"
                " audit_head, bytes, sealed_at, rebuilt, quality, priority)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    head.sequence,
                    head.record_id,
                    head.record_digest,
                    head.previous_digest,
                    head.sealed_digest,
                    head.audit_head,
                    head.size_bytes,
                    head.sealed_at,
                    rebuilt,
                    json.dumps(head.quality),
                    PRIORITY.get(head.case, 0),
                ),
            )

    def remove_strays(self) -> None:
        """Remove files that no row speaks of: what a crash left before the seal was committed."""
        for path in sorted(self._folder.iterdir()):
            stem = sidecar.stem_of(path)
            if path.suffix == disk.TEMPORARY or (stem is not None and not self._knows(*stem)):
                disk.remove(path)

    def _knows(self, sequence: int, record_digest: str) -> bool:
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM sealed WHERE sequence = ? AND record_digest = ?", (sequence, record_digest)
            ).fetchone()
        return row is not None

    def _row(self, record_id: str) -> sqlite3.Row:
        with self._db.reading() as connection:
            row = connection.execute("SELECT * FROM sealed WHERE record_id = ?", (record_id,)).fetchone()
        if row is None:
            raise UnknownRecord(f"no sealed record {record_id[:40]} here")
        found: sqlite3.Row = row
        return found

    def _file(self, row: sqlite3.Row) -> SealedFile:
        return SealedFile(
            row["record_id"],
            row["sequence"],
            self._folder / f"{row['sequence']:08d}-{row['record_digest']}{SEALED}",
            row["bytes"],
            row["record_digest"],
            row["sealed_digest"],
        )


def counts_of(db: Readable, table: str) -> OutboxCounts:
    """Of `sealed` or `carried`, also beside a running kiosk."""
    with db.reading() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE acked_at IS NULL),"  # noqa: S608 - our own names
            " coalesce(sum(bytes) FILTER (WHERE acked_at IS NULL), 0),"
            " min(sealed_at) FILTER (WHERE acked_at IS NULL),"
            " count(*) FILTER (WHERE refused_reason IS NOT NULL),"
            f" count(*) FILTER (WHERE acked_at IS NOT NULL) FROM {table}"
        ).fetchone()
    return OutboxCounts(*row)


def check_receipt(row: sqlite3.Row, box: str, signed: SignedReceipt, certificate: x509.Certificate) -> None:
    """Raise ReceiptRefused unless the centre signed it for this row of `box`."""
    receipt = signed.verify(certificate)
    named = ("record_digest", "sealed_digest", "sequence", "audit_head")
    for field, value in {**{name: row[name] for name in named}, "box": box}.items():
        if getattr(receipt, field) != value:
            raise ReceiptRefused(f"the receipt speaks of another {field}")
