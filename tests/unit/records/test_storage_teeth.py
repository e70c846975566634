"""A box with a bug that loses data under a power cut is found out by the model of storage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.storage import files
from support.storage.cuts import Broken, Cutter
from support.storage.filming import film, folder, moments
from support.storage.visits import Plan

from firmware.records import database, disk
from firmware.records.journal import Journal
from firmware.records.vault import Vault

SHORT = (Plan(card=False),)


def without_file_sync(patch: pytest.MonkeyPatch) -> None:
    real = files._Calls.fsync
    patch.setattr(
        files._Calls, "fsync", lambda calls, handle: handle in calls._folders and real(calls, handle)
    )


def without_folder_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(disk, "_sync_folder", lambda path: None)


def without_full_sync_of_sqlite(patch: pytest.MonkeyPatch) -> None:
    pragmas = [p.replace("synchronous = FULL", "synchronous = NORMAL") for p in database._PRAGMAS]
    patch.setattr(database, "_PRAGMAS", tuple(pragmas))


def without_a_name_of_its_own_while_it_is_written(patch: pytest.MonkeyPatch) -> None:
    def write(path: Path, data: bytes) -> None:
        disk._fill(path, data)

    patch.setattr(disk, "write", write)


def with_the_key_destroyed_before_the_record_is_sealed(patch: pytest.MonkeyPatch) -> None:
    real = Journal.seal

    def seal(journal: Journal, record_id: str) -> Path:
        destroy = Vault.destroy
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(journal._sealer._outbox, "put", _first(journal, record_id, destroy))
            return real(journal, record_id)

    patch.setattr(Journal, "seal", seal)


def _first(journal: Journal, record_id: str, destroy: Callable[..., None]) -> Callable[..., Any]:
    put = journal._outbox.put

    def run(*args: Any) -> Any:
        destroy(journal._vault, record_id)
        return put(*args)

    return run


def with_a_receipt_believed_before_it_is_kept(patch: pytest.MonkeyPatch) -> None:
    real = Journal.delivered

    def delivered(journal: Journal, record_id: str, receipt: Any) -> None:
        file = journal.next_sealed()
        assert file is not None
        disk.remove(file.path)
        real(journal, record_id, receipt)

    patch.setattr(Journal, "delivered", delivered)


BUGS = (
    without_file_sync,
    without_folder_sync,
    without_full_sync_of_sqlite,
    without_a_name_of_its_own_while_it_is_written,
    with_the_key_destroyed_before_the_record_is_sealed,
    with_a_receipt_believed_before_it_is_kept,
)


@pytest.mark.parametrize("bug", BUGS)
def test_a_box_with_this_bug_is_found_out(
    bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    with folder() as root:
        ops = film(root, SHORT)
    with pytest.raises(Broken):
        Cutter(fates_each=2, one_of=3).through(ops)


def test_the_same_box_without_a_bug_is_not() -> None:
    with folder() as root:
        ops = film(root, SHORT)
    cutter = Cutter(nested=10**9)
    cutter.through(ops)
    assert cutter.cuts >= len([each for each in moments(ops) if each.disk.uncertain])
