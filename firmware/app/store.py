"""The store worker: one thread owns the journal, everybody else asks it and waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from drivers.errors import DeviceFault, DeviceGone
from drivers.worker import Answer, Done, Job, Stop, Worker
from firmware.records.errors import DiskFull, RecordsError, StoreError
from firmware.records.format.errors import FormatError
from firmware.records.journal import Journal

T = TypeVar("T")
CALL_S = 30.0
NAME = "store"
BEAT = "beat"  # what `firmware.supervise` asks the store for

EXPECTED = (RecordsError, FormatError)


class StoreFault(DeviceFault):
    """The journal must be closed and opened again; `doing` is the key of the StoreError."""

    @property
    def reason(self) -> str:
        return self.doing


class Store:
    """Blocking calls into the journal from any thread but the loop's, and jobs for the loop.

    A StoreError closes the journal, and the worker opens it again after a rest; a full disk does not: what
    it waits for is that records are delivered, and for that the journal must be open.
    """

    def __init__(
        self, opens: Callable[[], AbstractContextManager[Journal]], post: Callable[[Answer], None]
    ) -> None:
        self.worker: Worker[Journal] = Worker(NAME, self._opened, post)
        self._opens, self._post = opens, post
        self._lock = threading.Lock()
        self._waiting: set[Future[Any]] = set()
        self._down = False

    def call(self, ask: Callable[[Journal], T]) -> T:
        """Have `ask` run on the store's thread and return its value; raises what it raises.

        Raises DeviceGone("store") when the store does not answer; then `ask` was not, and will not be, done
        (or it was under way when the time was over).
        """
        future: Future[T] = Future()
        with self._lock:
            if self._down:
                raise DeviceGone(NAME, "answer")
            self._waiting.add(future)
        self.worker.submit(Job(0, "call", lambda journal, _: self._answer(future, ask, journal)))
        try:
            return future.result(CALL_S)
        except (TimeoutError, CancelledError) as exc:
            future.cancel()
            raise DeviceGone(NAME, "answer") from exc
        finally:
            with self._lock:
                self._waiting.discard(future)

    def submit(self, entry: int, name: str, ask: Callable[[Journal], Any]) -> None:
        """Run `ask` and have its value posted as the job's answer."""

        def run(journal: Journal, _: Stop) -> Any:
            try:
                return ask(journal)
            except DiskFull:
                raise
            except StoreError as exc:
                raise StoreFault(NAME, exc.reason) from exc

        self.worker.submit(Job(entry, name, run, EXPECTED))

    def alive(self) -> None:
        """Prove, from the store's thread in the middle of a long job, that it lives: the watchdog is fed."""
        self._post(Done(NAME, 0, BEAT, None))

    # --- on the store's thread -----------------------------------------------------------------------

    def _answer(self, future: Future[T], ask: Callable[[Journal], T], journal: Journal) -> None:
        if not future.set_running_or_notify_cancel():
            return  # the caller was told that it is not done
        try:
            future.set_result(ask(journal))
        except Exception as error:
            future.set_exception(error)
            if isinstance(error, StoreError) and not isinstance(error, DiskFull):
                raise StoreFault(NAME, error.reason) from error

    @contextmanager
    def _opened(self) -> Iterator[Journal]:
        try:
            journal = self._opens()
        except StoreError as exc:
            self._fall()
            raise StoreFault(NAME, exc.reason) from exc
        try:
            with journal as opened:
                if self._down:
                    _prove(opened)
                with self._lock:
                    self._down = False
                yield opened
        finally:
            self._fall()

    def _fall(self) -> None:
        """From now on nobody waits for an answer that will not come."""
        with self._lock:
            self._down = True
            left, self._waiting = self._waiting, set()
        for future in left:
            future.cancel()


def _prove(journal: Journal) -> None:
    """A journal that has failed is taken for open again only once it can be written. Raises StoreFault."""
    try:
        journal.prove_room()
    except DiskFull:
        return  # what it waits for is that records are delivered
    except StoreError as exc:
        raise StoreFault(NAME, exc.reason) from exc


class StoredAttempts:
    """`firmware.issue.ports.IssueJournal` through the store's thread; `began` hears of ISSUING."""

    def __init__(self, store: Store, began: Callable[[], None]) -> None:
        self._store, self._began = store, began

    def attempt(self, record_id: str) -> Any:
        return self._store.call(lambda journal: journal.attempt(record_id))

    def keep_image(self, record_id: str, number: int, image: bytes) -> None:
        self._store.call(lambda journal: journal.keep_image(record_id, number, image))

    def stage(self, record_id: str, number: int, stage: str) -> None:
        self._store.call(lambda journal: journal.stage(record_id, number, stage))

    def keep_sod(self, record_id: str, number: int, sod: bytes) -> None:
        self._store.call(lambda journal: journal.keep_sod(record_id, number, sod))

    def issuing(self, record_id: str, number: int, sod_sha256: bytes) -> None:
        self._store.call(lambda journal: journal.issuing(record_id, number, sod_sha256))
        self._began()

    def complete(self, record_id: str, number: int, report: Mapping[str, Any]) -> None:
        self._store.call(lambda journal: journal.complete(record_id, number, report))

    def lost(self, record_id: str, number: int, officers: Sequence[str]) -> int:
        return self._store.call(lambda journal: journal.lost(record_id, number, officers))
