"""The model of storage is right about real files, and it finds what it is there for."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import box
from support.storage import mortal
from support.storage.fates import Chance, Lost, NamesOnly, Whole
from support.storage.filming import film, folder, taped
from support.storage.model import Disk, found_in
from support.storage.visits import DAYS, Plan
from support.torture import many

from firmware.records import disk

SHORT = (Plan(card=False),)
TESTS = Path(__file__).resolve().parents[2]


def played(ops: list[Any]) -> Disk:
    model = Disk()
    for op in ops:
        model.do(op)
    return model


# --- against real files -------------------------------------------------------------------------------


@pytest.mark.parametrize(("restart_every", "pages"), [(0, 0), (30, 0), (0, 30)])
@pytest.mark.parametrize("day", DAYS)
def test_a_taped_day_leaves_the_same_on_the_model_and_on_real_files(
    day: str, restart_every: int, pages: int
) -> None:
    with folder() as root:
        ops = film(root, DAYS[day], restart_every, pages)
        assert played(ops).now() == found_in(root)


def test_every_single_operation_leaves_the_same_on_the_model_and_on_real_files() -> None:
    """Looked at after each note of the tape, while the journal is open: what a kill leaves."""
    with folder() as root, taped(root) as tape:
        model, done = Disk(), 0

        def compare() -> None:
            nonlocal done
            for op in tape.ops[done:]:
                model.do(op)
            done = len(tape.ops)
            assert model.now() == found_in(root)

        with box.open_journal(root) as journal:
            compare()
            record_id = box.begin(journal)
            for part, value, blobs in box.parts():
                journal.accept(record_id, part, value, blobs)
                compare()
            journal.freeze(record_id, None)
            journal.complete_without_card(record_id)
            compare()
            journal.seal(record_id)
            compare()
        compare()
        assert done > 300


def test_a_process_that_is_really_killed_leaves_what_the_model_says() -> None:
    """A kill takes nothing from the kernel: about what each operation does, not what is lost."""
    places = Random("kills").sample(range(1, 1000), many(12, 200))  # noqa: S311
    with folder() as root:
        command = [sys.executable, "-m", "support.storage.mortal", str(root), *map(str, places)]
        path = os.pathsep.join((str(TESTS.parent), str(TESTS)))
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path}, cwd=TESTS.parent)
        for place in places:
            killed = root / str(place)
            model = played(mortal.read(killed))
            assert model.now() == found_in(killed / "box")
            with box.open_journal(killed / "box") as journal:
                assert journal.rebuilt is None


def test_sqlite_and_the_vault_are_both_on_the_tape() -> None:
    with folder() as root:
        ops = film(root, SHORT)
    written = {op.path.split("/")[1] for op in ops if op.kind == "write"}
    assert written == {"journal.db", "journal.db-journal", "journal.db-wal", "drafts", "outbox"}
    assert [op for op in ops if op.kind == "sync" and op.path.endswith("journal.db-wal")]
    assert [op for op in ops if op.kind == "sync folder" and op.path == "data"]


# --- what it says of a cut --------------------------------------------------------------------------


def test_a_file_that_was_not_synced_may_be_empty_though_its_name_is_there(tmp_path: Path) -> None:
    with taped(tmp_path) as tape:
        handle = os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT)
        with os.fdopen(handle, "wb") as file:
            file.write(b"content")
        (tmp_path / "new").rename(tmp_path / "name")
    model = played(tape.ops)
    assert model.after(Whole()) == {"name": b"content"} == found_in(tmp_path)
    assert model.after(Lost()) == {}
    assert model.after(NamesOnly()) == {"name": b""}


def test_what_was_synced_is_there_whatever_chance_does(tmp_path: Path) -> None:
    with taped(tmp_path) as tape:
        disk.write(tmp_path / "kept", b"content" * 400)
    model = played(tape.ops)
    assert model.uncertain == 0
    for seed in range(50):
        assert model.after(Chance(Random(seed))) == {"kept": b"content" * 400}  # noqa: S311


def test_chance_tears_loses_and_reorders(tmp_path: Path) -> None:
    with taped(tmp_path) as tape:
        handle = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
        with os.fdopen(handle, "wb") as file:
            for letter in b"abcd":
                file.write(bytes([letter]) * 1024)
    model = played(tape.ops)
    seen = [model.after(Chance(Random(seed))).get("file") for seed in range(400)]  # noqa: S311
    found = {content for content in seen if content is not None}
    assert None in seen and b"" in found
    assert any(content[:1024] != b"a" * 1024 and b"d" * 1024 in content for content in found), "reordered"
    assert any(0 < content.count(b"a") < 1024 for content in found), "torn"
    assert len(found) > 50


def test_what_a_failed_sync_lost_no_later_sync_brings_back(tmp_path: Path) -> None:
    with taped(tmp_path) as tape:
        handle = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
        with os.fdopen(handle, "wb") as file:
            file.write(b"first")
            tape.fault = lambda op: 5 if op.kind == "sync" else 0
            with pytest.raises(OSError, match="made up"):
                os.fsync(handle)
            tape.fault = lambda _: 0
            os.fsync(handle)
        folder_handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder_handle)
        os.close(folder_handle)
    model = played(tape.ops)
    assert model.now() == {"file": b"first"}
    assert model.after(Lost()) == {"file": b""}


def test_the_tape_is_of_the_library_that_python_uses() -> None:
    with closing(sqlite3.connect(":memory:")) as plain:
        assert plain.execute("SELECT sqlite_version()").fetchone() == (sqlite3.sqlite_version,)
