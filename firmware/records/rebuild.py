"""When the database is damaged: set it aside, and build a new one from the files that do not need it.

Sealed records come back from their sidecars, drafts from the vault's entries. What has no file of its own
(the audit log so far, the bookings of blanks, step times, wrong PINs) is lost and is listed.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from firmware.records import disk, sidecar
from firmware.records.audit import Audit
from firmware.records.database import Database
from firmware.records.errors import RecordsError, StoreDamaged
from firmware.records.keys import BoxKeys
from firmware.records.outbox import Outbox
from firmware.records.replay import Replay, insert_record
from firmware.records.sidecar import HEAD, SEALED, Head
from firmware.records.states import RecordState
from firmware.records.vault import Vault

S = RecordState
LOST = ".lost"
DAMAGED = ".damaged-"
WITHOUT_FILES = (
    "the audit log so far (its last head is in the sealed records)",
    "the bookings of blanks: count the blanks and book them in again",
    "step times and the open step of drafts",
    "the officers' wrong PINs",
)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`sealed` and `drafts` came back; `lost` says what did not, in words for the technician."""

    set_aside: Path | None
    sealed: int
    drafts: tuple[str, ...]
    lost: tuple[str, ...]


def set_aside(database: Path, now: datetime) -> Path:
    """Rename a damaged database with its log, and return its new name."""
    aside = database.with_name(f"{database.name}{DAMAGED}{now.strftime('%Y%m%dT%H%M%SZ')}")
    with disk.translated("set the damaged journal aside"):
        for ending in ("", "-wal", "-shm"):
            old = database.with_name(database.name + ending)
            if old.exists():
                old.rename(aside.with_name(aside.name + ending))
    return aside


def kept_aside(folder: Path) -> list[str]:
    """The names of all that was set aside in a store: an incident, until somebody has taken it away."""
    with disk.translated("look for what was set aside"):
        found = [*folder.glob(f"*{DAMAGED}*"), *folder.glob(f"*/*{LOST}")]
    return sorted(path.name for path in found if not path.name.endswith(("-wal", "-shm")))


class Rebuilder:
    """Fills an empty database from the vault and the outbox folder, in one transaction."""

    def __init__(
        self, db: Database, vault: Vault, audit: Audit, outbox: Outbox, folder: Path, keys: BoxKeys
    ) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._outbox = outbox
        self._folder = folder
        self._keys = keys
        self._lost: list[str] = list(WITHOUT_FILES)

    def run(self, aside: Path | None) -> Rebuilt:
        """Raises StoreError when the disk fails; a damaged file is listed and kept as `….lost`."""
        with self._db.transaction() as connection:
            sealed = self._sealed(connection)
            drafts = self._drafts(connection)
            about: dict[str, Any] = {
                "set_aside": aside.name if aside else None,
                "sealed": sealed,
                "drafts": len(drafts),
            }
            tip = connection.execute(
                "SELECT audit_head FROM sealed ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
            about |= {"last_head": tip[0] if tip else None, "lost": self._lost}
            self._audit.append("kiosk", "rebuilt", None, about)
            self._audit.checkpoint()
        return Rebuilt(aside, sealed, tuple(drafts), tuple(self._lost))

    def _sealed(self, connection: sqlite3.Connection) -> int:
        """Rows for every readable sidecar; return how many records wait to be sent."""
        waiting = 0
        for path in sorted(self._folder.glob(f"*{HEAD}")):
            try:
                head = sidecar.read(path, self._keys.signer.key.public_key())
            except StoreDamaged:
                self._keep_lost(path, "its sidecar is damaged")
                continue
            if self._known(connection, head):
                self._keep_lost(path, "another file has its number")
                continue
            waiting += self._insert(connection, head)
        for path in sorted(self._folder.glob(f"*{SEALED}")):
            if not path.with_name(path.name.removesuffix(SEALED) + HEAD).exists():
                self._keep_lost(path, "it has no sidecar")
        return waiting

    def _insert(self, connection: sqlite3.Connection, head: Head) -> bool:
        """A record's rows; True when its sealed file is here and whole."""
        path = self._folder / f"{head.stem}{SEALED}"
        here = path.exists()
        state = S.SEALED if here else S.PURGED
        insert_record(connection, head.record_id, _began(head), state)
        self._outbox.insert(head, rebuilt=True)
        if not here:
            sent = (head.sealed_at, head.record_id)
            connection.execute("UPDATE sealed SET acked_at = ? WHERE record_id = ?", sent)
            return False
        if sha256(disk.read(path)).hexdigest() == head.sealed_digest:
            return True
        self._lost.append(f"sealed record {head.sequence}: its file is damaged")
        damaged = ("the file is damaged", head.record_id)
        connection.execute("UPDATE sealed SET refused_reason = ? WHERE record_id = ?", damaged)
        return False

    def _drafts(self, connection: sqlite3.Connection) -> list[str]:
        found = []
        for record_id in self._vault.records():
            if connection.execute("SELECT 1 FROM record WHERE id = ?", (record_id,)).fetchone():
                continue  # sealed already: its draft is removed afterwards
            try:
                replay = Replay(self._vault, record_id)
            except (RecordsError, KeyError, ValueError) as exc:
                ticket = self._vault.ticket(record_id)
                under = f"ticket {ticket[:4]} {ticket[4:]}" if ticket else "no ticket was given"
                self._lost.append(f"draft {record_id} ({under}): {type(exc).__name__}")
                self._vault.set_aside(record_id)
                continue
            replay.insert(connection)
            found.append(record_id)
        return found

    def _known(self, connection: sqlite3.Connection, head: Head) -> bool:
        found = connection.execute(
            "SELECT 1 FROM sealed WHERE sequence = ? OR record_id = ?", (head.sequence, head.record_id)
        )
        return found.fetchone() is not None

    def _keep_lost(self, path: Path, why: str) -> None:
        self._lost.append(f"{path.name[:8]}: {why}")
        with disk.translated("set a file aside"):
            path.rename(path.with_name(path.name + LOST))


def _began(head: Head) -> dict[str, Any]:
    return {
        "case": head.case,
        "rule_pack": head.rule_pack,
        "assignment": {"box": head.box, "epoch": head.epoch},
        "started_at": head.sealed_at,
    }
