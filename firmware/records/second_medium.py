"""A copy of each unsent sealed record on a second medium, where one is configured: a stick, another disk.

The copies are the same files under the same names, encrypted to the centre; they go when its receipt is
here. A medium that is missing, full, broken or hangs stops nobody: what lacks its copy is counted, and copied
later, one record at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from firmware.records import disk, sidecar
from firmware.records.audit import Audit
from firmware.records.database import Database
from firmware.records.errors import StoreDamaged, StoreError
from firmware.records.sidecar import HEAD, SEALED

T = TypeVar("T")
WAIT_S = 5.0
"""The longest that anybody waits for the medium; a record of 2 MB takes a slow stick about two."""
REST_S = 60.0
"""A medium that was slow or failed is left alone for so long."""
THREAD = "second-medium"


class Copies:
    """The second copies of a journal's unsent records; nothing is done and missing where none are wanted.

    Nothing here takes longer than `WAIT_S`.
    """

    def __init__(self, db: Database, audit: Audit, medium: SecondMedium | None) -> None:
        self._db, self._audit, self._medium = db, audit, medium
        self.patience = Patience()

    def sealed(self, sequence: int, stem: str) -> None:
        """A record was sealed: copy it now. What hinders it goes into the audit log, and nobody waits."""
        if self._medium is None:
            return
        medium = self._medium
        try:
            self.patience.call(lambda: medium.keep(stem))
        except StoreError as exc:
            about = {"sequence": sequence, "reason": exc.reason}
            self._audit.append("kiosk", "second_copy_failed", None, about)

    def missing(self) -> int:
        """How many unsent records have no second copy, though they should; all while the medium rests."""
        if self._medium is None:
            return 0
        medium, unsent = self._medium, self._unsent()
        try:
            return len(self.patience.call(lambda: medium.missing(unsent)))
        except StoreError:
            return len(unsent)

    def copy_next(self) -> bool:
        """Copy the oldest record that lacks its copy; where none does, remove the copies that need not be.

        True: one was copied, ask again. False: nothing is left to do now, or the medium failed or rests.
        """
        if self._medium is None:
            return False
        medium, unsent = self._medium, self._unsent()
        try:
            return self.patience.call(lambda: medium.keep_next(unsent))
        except StoreError:
            return False

    def _unsent(self) -> list[str]:
        with self._db.reading() as connection:
            rows = connection.execute("SELECT sequence, record_digest FROM sealed WHERE acked_at IS NULL")
            return [f"{row['sequence']:08d}-{row['record_digest']}" for row in rows]


class Patience:
    """Waits for the medium, but not for ever: what is asked of it runs on a thread that may hang.

    While an earlier call still hangs nothing else is begun, nor for a while after one was slow or failed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until_s = clock()
        self._thread: threading.Thread | None = None

    def call(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns; raises what it raises, and StoreError when it is not done in time."""
        if self._clock() < self._rests_until_s or (self._thread is not None and self._thread.is_alive()):
            raise StoreError("leave the second medium alone")
        answer: Future[T] = Future()
        self._thread = threading.Thread(target=_run, args=(ask, answer), name=THREAD, daemon=True)
        self._thread.start()
        try:
            return answer.result(WAIT_S)
        except TimeoutError as exc:
            self._rest()
            raise StoreError("wait for the second medium") from exc
        except StoreError:
            self._rest()
            raise

    def _rest(self) -> None:
        self._rests_until_s = self._clock() + REST_S


def _run(ask: Callable[[], T], answer: Future[T]) -> None:
    try:
        answer.set_result(ask())
    except BaseException as error:  # noqa: BLE001  whoever waits raises it
        answer.set_exception(error)


class SecondMedium:
    """The folder `folder`, which must be there: it is never made, for then it would lie on the first medium.

    `apart`: it must also be another file system than `outbox`, as a mounted stick is.
    """

    def __init__(self, folder: Path, outbox: Path, apart: bool) -> None:
        self._folder, self._outbox, self._apart = folder, outbox, apart

    def keep(self, stem: str) -> None:
        """Copy a sealed record and its sidecar, and read them back. Raises StoreError."""
        self._demand()
        for ending in (HEAD, SEALED):
            data = disk.read(self._outbox / f"{stem}{ending}")
            disk.write(self._folder / f"{stem}{ending}", data)
            if disk.read(self._folder / f"{stem}{ending}") != data:
                raise StoreDamaged("read back a second copy")

    def missing(self, stems: Iterable[str]) -> list[str]:
        """Those without a copy, by name and size; all of them while the medium is away."""
        try:
            self._demand()
        except StoreError:
            return list(stems)
        return [stem for stem in stems if not all(self._is_there(stem, ending) for ending in (HEAD, SEALED))]

    def keep_next(self, stems: Iterable[str]) -> bool:
        """Copy the first of those that are missing; none is: remove what is no longer unsent, return False.

        Raises what `keep` raises.
        """
        unsent = set(stems)
        lacking = min(self.missing(unsent), default=None)
        if lacking is not None:
            self.keep(lacking)
            return True
        with disk.translated("list the second medium"):
            there = [path for path in self._folder.iterdir() if sidecar.stem_of(path) is not None]
        disk.remove(*(path for path in there if _stem(path) not in unsent))
        return False

    def _demand(self) -> None:
        with disk.translated("look for the second medium"):
            status = self._folder.stat()
            apart = status.st_dev != self._outbox.stat().st_dev
        if self._apart and not apart:
            raise StoreError("find the second medium: nothing is mounted there")

    def _is_there(self, stem: str, ending: str) -> bool:
        try:
            here, there = self._outbox / f"{stem}{ending}", self._folder / f"{stem}{ending}"
            return here.stat().st_size == there.stat().st_size
        except OSError:
            return False


def _stem(path: Path) -> str:
    return path.name.removesuffix(HEAD).removesuffix(SEALED)
