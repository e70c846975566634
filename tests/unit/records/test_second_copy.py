"""A second copy of each unsent sealed record, read back before the draft's key goes; nobody waits for it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import box, record

from config.load import load
from firmware.doctor import team_status
from firmware.records import disk, second_medium
from firmware.records.errors import StoreError
from firmware.records.format.seal import open_sealed
from firmware.records.journal import Journal
from firmware.records.report import audit_rows
from firmware.records.second_medium import Patience, SecondMedium
from firmware.records.states import RecordState
from firmware.records.vault import Vault

KEYS = record.keys()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def opened(tmp_path: Path, stick: Path) -> Journal:
    return Journal(tmp_path / "data", box.box_keys(), box.Clock(), stick)


@pytest.fixture(autouse=True)
def _tireless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A medium that failed is tried again at once, but where a test says otherwise."""
    monkeypatch.setattr(second_medium, "REST_S", 0.0)


def level(journal: Journal) -> int:
    """Let everything be copied that can be; how many copies are missing still."""
    while journal.copies.copy_next():
        continue
    return journal.copies.missing()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def incident(journal: Journal) -> Any:
    return team_status(load(), journal, None)["incident"]


def acts(journal: Journal) -> list[str]:
    return [row.act for row in audit_rows(journal.shelf)]


def test_the_copy_is_read_back_before_the_drafts_key_is_destroyed(
    tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[bool] = []
    destroy = Vault.destroy

    def watched(vault: Vault, record_id: str) -> None:
        outbox = tmp_path / "data" / "outbox"
        whole.append(
            all((stick / name).read_bytes() == (outbox / name).read_bytes() for name in names(outbox))
        )
        destroy(vault, record_id)

    with opened(tmp_path, stick) as journal:
        monkeypatch.setattr(Vault, "destroy", watched)
        file = box.sealed(journal)
        assert whole == [True]
        assert names(stick) == names(tmp_path / "data" / "outbox") != []
        copy = (stick / file.path.name).read_bytes()
        opened_copy = open_sealed(copy, [KEYS.centre], KEYS.box_ca, record.NOW)
        assert opened_copy.record_digest == file.record_digest
        assert incident(journal) == "" and journal.copies.missing() == 0


def test_a_missing_medium_stops_nobody_and_raises_an_alarm(tmp_path: Path, stick: Path) -> None:
    stick.rmdir()
    with opened(tmp_path, stick) as journal:
        file = box.sealed(journal)
        assert journal.state(file.record_id) is RecordState.SEALED
        assert "second_copy_failed" in acts(journal)
        assert incident(journal) == "second_copy"
        assert not stick.exists()  # it would lie on the first medium
        stick.mkdir()
        assert level(journal) == 0
        assert names(stick) == names(tmp_path / "data" / "outbox")
        assert incident(journal) == ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_full_or_broken_medium_stops_nobody_and_raises_an_alarm(
    tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    write = disk.write

    def failing(path: Path, data: bytes) -> None:
        if path.parent != stick:
            return write(path, data)
        with disk.translated("write a file"):
            raise OSError(code, os.strerror(code))

    with opened(tmp_path, stick) as journal:
        with monkeypatch.context() as context:
            context.setattr(disk, "write", failing)
            file = box.sealed(journal)
            assert journal.state(file.record_id) is RecordState.SEALED
            assert level(journal) == 1
            assert incident(journal) == "second_copy"
        assert level(journal) == 0 and incident(journal) == ""


def test_a_copy_that_reads_back_otherwise_is_no_copy(
    tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = disk.read
    with opened(tmp_path, stick) as journal:
        monkeypatch.setattr(
            disk, "read", lambda path: read(path)[:-1] if path.parent == stick else read(path)
        )
        box.sealed(journal)
        assert "second_copy_failed" in acts(journal)


def test_a_stick_pulled_and_another_put_in_gets_all_that_is_unsent(tmp_path: Path, stick: Path) -> None:
    with opened(tmp_path, stick) as journal:
        for _ in range(3):
            box.sealed(journal)
        for path in stick.iterdir():
            path.unlink()
        assert journal.copies.missing() == 3 and incident(journal) == "second_copy"
        assert level(journal) == 0
        assert len(names(stick)) == 6


def test_copies_go_when_the_receipt_is_here_and_other_files_stay(tmp_path: Path, stick: Path) -> None:
    (stick / "holiday.jpg").write_bytes(b"not ours")
    with opened(tmp_path, stick) as journal:
        first, second = box.sealed(journal), box.sealed(journal)
        opened_first = open_sealed(first.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW)
        journal.delivered(first.record_id, box.receipt_for(first, opened_first.manifest["audit_head"]))
        assert level(journal) == 0
        stem = second.path.name.removesuffix(".age")
        assert names(stick) == [f"{stem}.age", f"{stem}.head.json", "holiday.jpg"]


def test_a_folder_of_the_same_medium_is_no_second_one_in_production(tmp_path: Path, stick: Path) -> None:
    """A mount point with nothing mounted."""
    keys = replace(box.box_keys(), simulated=False)
    with Journal(tmp_path / "data", keys, box.Clock(), stick) as journal:
        assert level(journal) == 0  # nothing to copy yet
        record_id = box.completed(journal)
        journal.seal(record_id)
        assert names(stick) == [] and incident(journal) == "second_copy"


def test_without_a_second_medium_nothing_is_missed(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        box.sealed(journal)
        assert level(journal) == 0
        assert incident(journal) == "" and "second_copy_failed" not in acts(journal)


# --- a medium that is slow, hangs or fails --------------------------------------------------------------


class Medium:
    """Counts the records that are copied; fails, or hangs, as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.fails = False
        self.answers = threading.Event()
        self.answers.set()
        self._keep = SecondMedium.keep
        monkeypatch.setattr(SecondMedium, "keep", lambda medium, stem: self._asked(medium, stem))

    def _asked(self, medium: SecondMedium, stem: str) -> None:
        self.asked.append(stem)
        self.answers.wait(20.0)
        if self.fails:
            raise StoreError("write a file")
        self._keep(medium, stem)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self.answers.clear()
        try:
            yield
        finally:
            self.answers.set()


@pytest.fixture
def medium(monkeypatch: pytest.MonkeyPatch) -> Medium:
    return Medium(monkeypatch)


class Passing:
    """A clock of seconds that only the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def unsent_and_uncopied(journal: Journal, stick: Path, number: int) -> None:
    for _ in range(number):
        box.sealed(journal)
    for path in stick.iterdir():
        path.unlink()


def test_one_call_copies_one_record_so_that_a_visit_comes_between(
    tmp_path: Path, stick: Path, medium: Medium
) -> None:
    with opened(tmp_path, stick) as journal:
        unsent_and_uncopied(journal, stick, 3)
        medium.asked.clear()
        copied = []
        for number in range(1, 4):
            copied.append(journal.copies.copy_next())
            assert len(medium.asked) == number
        assert copied == [True] * 3 and not journal.copies.copy_next()
        assert medium.asked == sorted(set(medium.asked)), "the oldest first, and each but once"


def test_a_medium_that_hangs_holds_the_store_no_longer_than_its_wait_and_is_not_asked_again(
    tmp_path: Path, stick: Path, medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_medium, "WAIT_S", 0.05)
    with opened(tmp_path, stick) as journal, medium.hanging():
        first = box.sealed(journal)
        assert journal.state(first.record_id) is RecordState.SEALED
        assert acts(journal).count("second_copy_failed") == 1
        box.sealed(journal)
        assert not journal.copies.copy_next()
        assert len(medium.asked) == 1, "while it hangs nothing else is begun"
        assert incident(journal) == "second_copy"


def test_what_a_medium_that_hung_did_not_get_is_made_up_when_it_answers(
    tmp_path: Path, stick: Path, medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, stick) as journal:
        with monkeypatch.context() as impatient, medium.hanging():
            impatient.setattr(second_medium, "WAIT_S", 0.05)
            for _ in range(2):
                box.sealed(journal)
        for thread in threading.enumerate():
            if thread.name == second_medium.THREAD:
                thread.join(20.0)
        assert level(journal) == 0 and incident(journal) == ""
        assert names(stick) == names(tmp_path / "data" / "outbox")


def test_after_a_failed_copy_the_medium_is_left_alone_for_a_while(
    tmp_path: Path, stick: Path, medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_medium, "REST_S", 60.0)
    clock = Passing()
    with opened(tmp_path, stick) as journal:
        journal.copies.patience = Patience(clock)
        medium.fails = True
        box.sealed(journal)
        medium.fails = False
        for clock.now in (0.0, 30.0, 59.0):
            assert not journal.copies.copy_next()
        assert len(medium.asked) == 1 and incident(journal) == "second_copy"
        clock.now = 60.0
        assert journal.copies.copy_next() and len(medium.asked) == 2
        assert incident(journal) == ""


def test_a_wait_for_the_medium_leaves_the_watchdog_most_of_its_time() -> None:
    unit = (Path(__file__).parents[3] / "deploy" / "idkiosk.service").read_text()
    watchdog_s = float(
        next(line for line in unit.splitlines() if line.startswith("WatchdogSec=")).split("=")[1]
    )
    beat_s = watchdog_s / 3
    assert beat_s + 2 * second_medium.WAIT_S < watchdog_s
