"""A full, busy or damaged store says what to do, and gives back all that does not need the database."""

from __future__ import annotations

import errno
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import box, record

from firmware.records.database import Database
from firmware.records.errors import DiskFull, StoreBusy, StoreDamaged, StoreError, WrongState
from firmware.records.format.seal import open_sealed
from firmware.records.journal import Journal
from firmware.records.states import RecordState

S = RecordState
KEYS = record.keys()


def spoil(folder: Path) -> None:
    """Overwrite the middle of the database, as a dying card does."""
    path = folder / "data" / "journal.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def lose(folder: Path) -> None:
    for path in (folder / "data").glob("journal.db*"):
        path.unlink()


def nonsense(folder: Path) -> None:
    (folder / "data" / "journal.db").write_bytes(b"this is no database at all" * 400)


@pytest.mark.parametrize("damage", [spoil, lose, nonsense])
def test_the_outbox_is_rebuilt_from_the_sealed_files_alone(tmp_path: Path, damage: object) -> None:
    with box.open_journal(tmp_path) as journal:
        before = [box.sealed(journal) for _ in range(3)]
        head = open_sealed(before[0].path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW).manifest[
            "audit_head"
        ]
        journal.delivered(before[0].record_id, box.receipt_for(before[0], head))
    damage(tmp_path)  # type: ignore[operator]
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None and journal.rebuilt.sealed == 2
        assert box.outbox(journal) == before[1:]
        assert box.sealed(journal).sequence == 4
        newest = open_sealed(
            box.outbox(journal)[-1].path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW
        )
        assert newest.manifest["previous_digest"] == before[2].record_digest
        assert journal.audit.verify() == []
    aside = list((tmp_path / "data").glob("journal.db.damaged-*"))
    assert bool(aside) == (damage is not lose)
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is None


def test_a_number_is_not_used_twice_though_all_was_delivered(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        file = box.sealed(journal)
        head = open_sealed(file.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW).manifest
        journal.delivered(file.record_id, box.receipt_for(file, head["audit_head"]))
    lose(tmp_path)
    with box.open_journal(tmp_path) as journal:
        assert journal.next_sealed() is None and journal.counts().outbox.unsent == 0
        assert box.sealed(journal).sequence == 2


def test_drafts_come_back_as_far_as_they_were(tmp_path: Path) -> None:
    until, clock = record.NOW.replace(year=2027), box.Clock()
    with box.open_journal(tmp_path, clock) as journal:
        done = box.completed(journal)
        journal.seal(done)
        waiting = box.filled(journal)
        ticket = journal.wait(waiting, "signer", until)
        complete = box.completed(journal)
        journal._drafts._db._connection.execute("UPDATE record SET is_open = 0")
        live = box.frozen(journal)
        box.issuing(journal, live)
        journal.lost(live, 1, box.OFFICERS)
        journal.keep_image(live, 2, b"an image with new keys")
        box.issuing(journal, live, 2, b"second SOD")
        before = journal.draft(live)
    spoil(tmp_path)
    clock.pass_time(minutes=1)
    with box.open_journal(tmp_path, clock) as journal:
        assert journal.rebuilt is not None
        assert set(journal.rebuilt.drafts) == {waiting, complete, live}
        assert journal.state(live) is S.ISSUING and journal.open_record() == live
        attempt = journal.attempt(live)
        assert (attempt.number, attempt.sod, attempt.issuing) == (2, b"second SOD", True)
        assert (attempt.image, attempt.inherited) == (b"an image with new keys", False)
        assert [card["attempt"] for card in journal.void_cards(live)] == [1]
        assert journal.draft(live).parts == before.parts
        with pytest.raises(WrongState):
            journal.abandon(live, "left")
        journal.complete(live, 2, box.REPORT)
        assert journal.unsealed() == [complete, live]
        for record_id in journal.unsealed():
            journal.seal(record_id)
        assert journal.resume(ticket) == waiting
        assert [file.sequence for file in box.outbox(journal)] == [1, 2, 3]


def test_what_cannot_be_recovered_is_listed_and_kept(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        first, second, third = (box.sealed(journal) for _ in range(3))
        draft = box.begin(journal)
    first.path.write_bytes(first.path.read_bytes()[:-1])
    second.path.with_name(second.path.name.removesuffix(".age") + ".head.json").write_bytes(b"{}")
    entry = next((tmp_path / "data" / "drafts" / draft).glob("00001.*"))
    entry.write_bytes(bytes(40))
    lose(tmp_path)
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None
        lost = "\n".join(journal.rebuilt.lost)
        assert "sealed record 1: its file is damaged" in lost
        assert "00000002: its sidecar is damaged" in lost
        assert f"draft {draft} (no ticket was given): StoreDamaged" in lost
        assert "blanks" in lost
        assert box.outbox(journal) == [third]
        assert journal.counts().outbox.refused == 1
    assert first.path.exists()
    assert second.path.with_name(second.path.name + ".lost").exists()
    assert (tmp_path / "data" / "drafts" / f"{draft}.lost" / entry.name).exists()


def test_a_sidecar_of_another_box_is_not_believed(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        file = box.sealed(journal)
    path = file.path.with_name(file.path.name.removesuffix(".age") + ".head.json")
    path.write_bytes(path.read_bytes().replace(b'"epoch":1', b'"epoch":2'))
    lose(tmp_path)
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None and journal.rebuilt.sealed == 0


def test_a_damaged_draft_file_is_never_served(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        record_id = box.filled(journal)
        for path in (tmp_path / "data" / "drafts" / record_id).glob("00*"):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(bytes(data))
        with pytest.raises(StoreDamaged):
            journal.draft(record_id)
        with pytest.raises(StoreDamaged):
            journal.blob(record_id, "portrait.jp2")


@pytest.mark.parametrize("act", ["accept", "seal"])
def test_a_full_disk_says_so_and_the_step_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with box.open_journal(tmp_path) as journal:
        record_id = box.completed(journal) if act == "seal" else box.begin(journal)

        def run() -> None:
            if act == "seal":
                journal.seal(record_id)
            else:
                journal.accept(record_id, "work/x", 1, {"fingers/a.png": b"x"})

        with monkeypatch.context() as context:
            context.setattr(os, "fsync", full)
            with pytest.raises(DiskFull, match="deliver") as raised:
                run()
            assert raised.value.reason == "disk_full"
        assert not list((tmp_path / "data").rglob("*.tmp"))
        run()


def test_a_full_database_says_so_and_nothing_is_half_there(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        record_id = box.begin(journal)
        connection = journal._db._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        head = journal.audit.head()
        with pytest.raises(DiskFull):
            for _ in range(10_000):
                journal.step(record_id, "FINGERS" * 9)
        kept = len(journal.steps(record_id))
        connection.execute("PRAGMA max_page_count = 1000000")
        journal.step(record_id, "PORTRAIT")
        assert len(journal.steps(record_id)) == kept + 1
        assert journal.audit.head() == head


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    with box.open_journal(tmp_path), pytest.raises(StoreBusy, match="other kiosk"):
        box.open_journal(tmp_path)
    box.open_journal(tmp_path).close()


def test_a_locked_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.records.database.BUSY_S", 0.0)
    with box.open_journal(tmp_path) as journal:
        record_id = box.begin(journal)
        other = sqlite3.connect(tmp_path / "data" / "journal.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy) as raised:
            journal.step(record_id, "FINGERS")
        assert raised.value.reason == "store_busy"
        other.close()
        journal.step(record_id, "FINGERS")


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    box.open_journal(tmp_path).close()
    path = tmp_path / "data" / "journal.db"
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StoreError, match="newer than this program") as raised:
        box.open_journal(tmp_path)
    assert not isinstance(raised.value, StoreDamaged)
    assert path.exists()


def test_every_connection_syncs_fully(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    with database.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
    database.close()


def test_a_journal_may_be_used_from_the_issue_worker(tmp_path: Path) -> None:
    def issue(journal: Journal, record_id: str) -> None:
        box.issuing(journal, record_id)
        journal.complete(record_id, 1, box.REPORT)

    with box.open_journal(tmp_path) as journal:
        record_id = box.frozen(journal)
        with ThreadPoolExecutor(1) as worker:
            done = worker.submit(issue, journal, record_id)
            for _ in range(20):
                journal.counts()
                journal.step(record_id, "WRITE_CHIP")
            done.result(10)
        assert journal.state(record_id) is S.COMPLETE
