"""The store worker: one thread owns the journal, everybody else asks it and waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from drivers.errors import DeviceFault, DeviceGone
from drivers.worker import Answer, Job, Stop, Worker
from firmware.records.errors import RecordsError, StoreError
from firmware.records.format.errors import SchemaRefused
from firmware.records.journal import Journal

T = TypeVar("T")
CALL_S = 30.0

EXPECTED = (RecordsError, SchemaRefused)


class Store:
    """Blocking calls into the journal from any thread but the loop's, and jobs for the loop."""

    def __init__(
        self, opens: Callable[[], AbstractContextManager[Journal]], post: Callable[[Answer], None]
    ) -> None:
        self.worker: Worker[Journal] = Worker("store", lambda: _opened(opens), post)

    def call(self, ask: Callable[[Journal], T]) -> T:
        """Have `ask` run on the store's thread and return its value; raises what it raises.

        Raises DeviceGone("store") when the store does not answer.
        """
        future: Future[T] = Future()

        def run(journal: Journal, _: Stop) -> None:
            try:
                future.set_result(ask(journal))
            except Exception as error:  # noqa: BLE001  handed to the caller, who is waiting
                future.set_exception(error)

        self.worker.submit(Job(0, "call", run))
        try:
            return future.result(CALL_S)
        except TimeoutError as exc:
            raise DeviceGone("store", "answer") from exc

    def submit(self, entry: int, name: str, ask: Callable[[Journal], Any]) -> None:
        """Run `ask` and have its value posted as the job's answer."""
        self.worker.submit(Job(entry, name, lambda journal, _: ask(journal), EXPECTED))


@contextmanager
def _opened(opens: Callable[[], AbstractContextManager[Journal]]) -> Iterator[Journal]:
    try:
        journal = opens()
    except StoreError as exc:
        raise DeviceFault("store", str(exc)) from exc
    with journal as opened:
        yield opened


class StoredAttempts:
    """`firmware.issue.ports.IssueJournal` through the store's thread; `began` hears of ISSUING."""

    def __init__(self, store: Store, began: Callable[[], None]) -> None:
        self._store, self._began = store, began

    def attempt(self, record_id: str) -> Any:
        return self._store.call(lambda journal: journal.attempt(record_id))

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
