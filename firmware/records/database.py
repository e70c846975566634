"""SQLite as the journal needs it: WAL, `synchronous=FULL` on each connection, versioned schema, typed errors.

One connection, guarded by a lock, because the issue worker journals beside the store worker. Another
process may read beside it (`ReadOnlyDatabase`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from firmware.records import disk
from firmware.records.errors import (
    DiskFull,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreMissing,
    StoreOfAnotherVersion,
)
from firmware.records.migrations import MIGRATIONS

BUSY_S = 2.0
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 4194304",
)
_ERRORS: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
}


class Readable(Protocol):
    """Whatever gives a connection for SELECT."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]: ...


class Database:
    """The open journal database of one box. Only one process may hold it."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises StoreBusy, StoreDamaged (also for a newer schema's damage), StoreError."""
        self._lock = threading.RLock()
        self._held = _hold(path.with_name(path.name + ".lock"))
        try:
            self._connection = _connect(path)
        except BaseException:
            os.close(self._held)
            raise

    def close(self) -> None:
        """Close; whatever was committed is on disk already."""
        with self._lock:
            self._connection.close()
            os.close(self._held)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing; durable when the block has ended. Joins an outer transaction."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            with translated("write the journal"):
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._commit()
                except BaseException:
                    self._roll_back()
                    raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for SELECT."""
        with self._lock, translated("read the journal"):
            yield self._connection

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _roll_back(self) -> None:
        """SQLite has rolled back by itself after a full disk: then there is nothing left to do."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class ReadOnlyDatabase:
    """The database of a box whose kiosk may be running: SELECT only, no lock, never in its way."""

    def __init__(self, path: Path) -> None:
        """Raises StoreMissing, StoreDamaged, StoreError (also for another version's schema)."""
        if not path.is_file():
            raise StoreMissing(f"open {path}")
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        with translated("open the journal to read"):
            self._connection = sqlite3.connect(uri, BUSY_S, isolation_level=None, uri=True)
            try:
                self._connection.row_factory = sqlite3.Row
                version = self._connection.execute("PRAGMA user_version").fetchone()[0]
                if version != len(MIGRATIONS):
                    raise StoreOfAnotherVersion(f"the journal is of version {version}, not {len(MIGRATIONS)}")
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection; each SELECT sees what is committed at its moment."""
        with translated("read the journal"):
            yield self._connection


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a failure of SQLite into the StoreError that says what to do."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a bug of ours, not of the disk
    except sqlite3.DatabaseError as exc:
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        raise _ERRORS.get(code, StoreError)(doing) from exc


def _hold(path: Path) -> int:
    """Take the lock file for this process: two kiosks on one journal would number records twice."""
    with disk.translated("open the journal's lock"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(handle)
        raise StoreBusy("open the journal") from exc
    return handle


def _connect(path: Path) -> sqlite3.Connection:
    with translated("open the journal"):
        connection = sqlite3.connect(path, BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            _settle(connection)
            _check(connection)
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
    path.chmod(0o600)
    return connection


def _settle(connection: sqlite3.Connection) -> None:
    """Bring the whole log into the database and begin it anew. Raises StoreBusy while others read for long.

    A log that an fsync failed on may have a hole that only the next power cut shows, with all that is
    appended behind it: what is read of it now must not stay in it alone.
    """
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreBusy("settle the journal")


def _check(connection: sqlite3.Connection) -> None:
    found = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise StoreDamaged("check the journal")


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreOfAnotherVersion(f"the journal is of version {version}, newer than this program")
    for at in range(version, len(MIGRATIONS)):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[at]}; PRAGMA user_version = {at + 1}; COMMIT;"
        )
