"""When the database is damaged: set it aside, and build a new one from the files that do not need it.

Sealed records come back from their sidecars, drafts from the vault's entries. What has no file of its own
(the audit log so far, the bookings of blanks, step times, wrong PINs) is lost and is listed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
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
        _insert_record(connection, head.record_id, _began(head), state)
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
                replay = _Replay(self._vault, record_id)
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


class _Replay:
    """One draft, from its vault entries in the order they were written."""

    def __init__(self, vault: Vault, record_id: str) -> None:
        """Raises RecordsError, KeyError or ValueError for a draft that does not add up."""
        self.record_id = record_id
        self.state = S.DRAFT
        self.began: Mapping[str, Any] = {}
        self.parts: dict[str, tuple[str, Mapping[str, str]]] = {}
        self.columns: dict[str, Any] = {"is_open": 1}
        self.attempts: list[dict[str, Any]] = []
        for name in vault.names(record_id):
            about = vault.get(record_id, name).about
            if (take := getattr(self, f"on_{about['kind']}", None)) is not None:
                take(name, about)
        if not self.began:
            raise ValueError("no beginning")
        if self.state is S.COMPLETE:
            self.columns["is_open"] = 0

    def insert(self, connection: sqlite3.Connection) -> None:
        if (
            self.columns["is_open"]
            and connection.execute("SELECT 1 FROM record WHERE is_open = 1").fetchone()
        ):
            self.columns["is_open"] = 0
        _insert_record(connection, self.record_id, self.began, self.state, **self.columns)
        for part, (file, blobs) in self.parts.items():
            connection.execute("INSERT INTO part VALUES (?, ?, ?)", (self.record_id, part, file))
            connection.executemany(
                "INSERT INTO blob VALUES (?, ?, ?, ?)",
                [(self.record_id, name, part, stored) for name, stored in blobs.items()],
            )
        for attempt in self.attempts:
            _insert(connection, "attempt", {"record_id": self.record_id, **attempt})

    def on_begin(self, _name: str, about: Mapping[str, Any]) -> None:
        self.began = about

    def on_part(self, name: str, about: Mapping[str, Any]) -> None:
        self.parts[about["part"]] = (name, about["blobs"])

    def on_ticket(self, _name: str, about: Mapping[str, Any]) -> None:
        self.columns |= {
            "ticket": about["ticket"],
            "waiting_reason": about["reason"],
            "waiting_until": about["until"],
            "is_open": 0,
        }

    def on_resume(self, _name: str, _about: Mapping[str, Any]) -> None:
        self.columns |= {"waiting_reason": None, "waiting_until": None, "is_open": 1}

    def on_image(self, name: str, _about: Mapping[str, Any]) -> None:
        self.state = S.FROZEN
        self.columns |= {"image": name, "issued_here": 1}
        self.attempts = [{"number": 1}]

    def on_frozen(self, _name: str, _about: Mapping[str, Any]) -> None:
        self.state = S.FROZEN
        self.columns["issued_here"] = 0

    def on_attempt_image(self, name: str, about: Mapping[str, Any]) -> None:
        self._attempt(about)["image"] = name

    def on_sod(self, name: str, about: Mapping[str, Any]) -> None:
        self._attempt(about)["sod"] = name

    def on_issuing(self, _name: str, about: Mapping[str, Any]) -> None:
        self.state = S.ISSUING
        self._attempt(about).update(sod_sha256=about["sod_sha256"], issuing_at=about["at"])

    def on_lost(self, _name: str, about: Mapping[str, Any]) -> None:
        self._attempt(about).update(lost_at=about["at"], officers=json.dumps(about["officers"]))
        self.attempts.append({"number": about["attempt"] + 1})

    def on_report(self, name: str, about: Mapping[str, Any]) -> None:
        self.state = S.COMPLETE
        self._attempt(about).update(report=name, completed_at=about["at"])
        self.columns["completed_at"] = about["at"]

    def on_complete(self, _name: str, about: Mapping[str, Any]) -> None:
        self.state = S.COMPLETE
        self.columns["completed_at"] = about["at"]

    def _attempt(self, about: Mapping[str, Any]) -> dict[str, Any]:
        return {one["number"]: one for one in self.attempts}[about["attempt"]]


def _began(head: Head) -> dict[str, Any]:
    return {
        "case": head.case,
        "rule_pack": head.rule_pack,
        "assignment": {"box": head.box, "epoch": head.epoch},
        "started_at": head.sealed_at,
    }


def _insert_record(
    connection: sqlite3.Connection,
    record_id: str,
    began: Mapping[str, Any],
    state: RecordState,
    **columns: Any,
) -> None:
    row = {
        "id": record_id,
        "state": str(state),
        "kind": began["case"],
        "rule_pack": began["rule_pack"],
        "assignment": json.dumps(began["assignment"]),
        "started_at": began["started_at"],
        "is_open": 0,
    }
    _insert(connection, "record", row | columns)


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - ours
