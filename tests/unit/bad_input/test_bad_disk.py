"""A disk that is full, a journal that is locked or damaged: what was accepted stays, and a person gets on."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.kiosk import Story, story

from config.catalogue import code_of
from firmware.app.housekeeping import ROOM_S
from firmware.records import disk
from firmware.records.database import Database
from firmware.records.drafts import Drafts
from firmware.records.errors import StoreDamaged
from statemachine.states import Device, S
from ui_fb import screens as ui

Fill = Callable[[Path, bytes], None]


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Not one more file can be written; the names of those that were tried."""
    tried: list[str] = []

    def no_room(path: Path, data: bytes) -> None:
        tried.append(path.name)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as world:
        world.setattr(disk, "_fill", no_room)
        yield tried


@contextmanager
def full_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No commit finds a page more."""

    def no_page(_: Database) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as world:
        world.setattr(Database, "_commit", no_page)
        yield


STEPS: dict[str, tuple[str, Callable[[Story], None], str, S]] = {
    "a field": ("REVIEW", lambda s: s.touch("wrong:full_name"), "DRAFT", S.CONSENT),
    "the consent": ("CONSENT", lambda s: s.touch("consent:yes", "eid:yes"), "DRAFT", S.FINGERS),
    "a finger": ("FINGERS", lambda s: s.until(S.OUT_OF_ORDER), "DRAFT", S.FINGERS),
    "the frozen content": ("CONFIRM", lambda s: s.touch("ok"), "DRAFT", S.RECEIPT),
    "the card's keys": ("PLACE_CARD", lambda s: s.station.chip.put(s.citizen.card), "FROZEN", S.RECEIPT),
}
"""What is done at which scene, the record's state then, and how far the visit gets with its ticket."""


@pytest.mark.parametrize("what", STEPS)
def test_what_a_full_disk_does_not_take_is_not_accepted_and_the_rest_stays(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, act, state, on = STEPS[what]
    with story(at=scene) as s:
        before = parts(s)
        with full_disk(monkeypatch) as tried:
            act(s)
            s.comes(S.OUT_OF_ORDER)
            assert (s.screen.device, s.screen.error) == ("store", code_of("disk_full"))
            s.skip(ROOM_S + 1)
            s.comes(lambda: looked_for_room(tried) and s.kiosk.house._awaiting_room)
            assert s.state is S.OUT_OF_ORDER, "still no room"
            assert Device.STORE in s.kiosk.flow.session.lost
        s.skip(ROOM_S + 1)
        s.comes(lambda: s.kiosk.flow.session.ticket)
        assert (s.state, s.record) == (S.PAUSED, state)
        assert parts(s).items() >= before.items()
        resumed(s)
        s.until(on)


def looked_for_room(tried: list[str]) -> bool:
    """Whether room was looked for, and refused; the kiosk then waits to look again."""
    return any(name.startswith("room") for name in tried)


def parts(s: Story) -> dict[str, object]:
    return dict(s.ask(lambda journal: journal.draft(s.record_id)).parts)


def resumed(s: Story) -> None:
    """Come back with the ticket that the screen shows."""
    ticket = s.screen.ticket
    s.station.chip.lift()
    s.station.sensor.lift()
    s.touch("ok")
    s.comes(S.ATTRACT)
    s.until(ui.Identify)
    s.touch("by:ticket")
    s.types(ticket.replace(" ", ""))
    s.comes(S.PROVE)


def test_a_full_database_is_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    with story(at="CONSENT") as s:
        with full_database(monkeypatch):
            s.touch("consent:yes", "eid:yes")
            s.comes(S.OUT_OF_ORDER)
            assert s.screen.error == code_of("disk_full")
            assert "consent" not in parts(s)
        s.skip(ROOM_S + 1)
        s.comes(lambda: s.kiosk.flow.session.ticket)


def test_a_finished_card_is_not_lost_by_a_seal_that_finds_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.LOCK_CHIP)
        with full_disk(monkeypatch):
            s.comes(S.OUT_OF_ORDER)
            assert s.record in ("ISSUING", "COMPLETE")
        s.skip(ROOM_S + 1)
        s.comes(lambda: s.state in (S.RECEIPT, S.PAUSED))
        if s.state is S.PAUSED:
            s.comes(lambda: s.kiosk.flow.session.ticket)
            resumed(s)
            s.until(S.RECEIPT)
        s.comes(lambda: s.kiosk.last_receipts == (s.record_id,))
        assert s.centre.counts()["grants"]["issued"] == 1


def test_a_disk_that_is_full_of_records_is_emptied_by_delivering_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(at="PLACE_CARD") as s:
        s.comes(lambda: (s.box / "registry.extract").exists())
        s.station.chip.put(s.citizen.card)
        s.comes(lambda: s.kiosk.flow.session.held == "issuing")
        s.comes(S.RECEIPT)
        s.comes(lambda: s.kiosk.flow.session.sealed)
        with full_disk(monkeypatch):
            s.comes(lambda: s.kiosk.last_receipts == (s.record_id,))
        assert s.record == "PURGED"


# --- locked ---------------------------------------------------------------------------------------------


def test_a_journal_that_another_process_holds_serves_nobody_until_it_is_free() -> None:
    with story(started=False) as s:
        (s.box / "records").mkdir()
        lock = os.open(s.box / "records" / "journal.db.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        s.start()
        s.comes(S.OUT_OF_ORDER)
        assert s.screen.error == code_of("store_busy")
        os.close(lock)
        s.comes(S.ATTRACT)
        s.until(S.REVIEW)


def test_a_database_that_somebody_has_locked_accepts_nothing_and_goes_on_when_it_is_free() -> None:
    with story(at="CONSENT") as s:
        with closing(sqlite3.connect(s.box / "records" / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            s.touch("consent:yes", "eid:yes")
            s.comes(S.OUT_OF_ORDER)
            assert s.screen.error == code_of("store_busy")
            other.execute("ROLLBACK")
        s.comes(lambda: s.kiosk.flow.session.ticket)
        resumed(s)
        s.until(S.FINGERS)


# --- damaged --------------------------------------------------------------------------------------------


def overwrite_the_middle(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096 * 6)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "pages overwritten": overwrite_the_middle,
    "cut short": lambda database: os.truncate(database, 5000),
    "no database at all": lambda database: database.write_bytes(b"\xff" * 20_000),
    "emptied": lambda database: database.write_bytes(b""),
    "gone": lambda database: database.unlink(),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_journal_is_set_aside_and_rebuilt_and_the_visit_goes_on(what: str) -> None:
    with story(at="FINGERS-1") as s:
        s.kiosk.close()
        for left in ("journal.db-wal", "journal.db-shm"):
            (s.box / "records" / left).unlink(missing_ok=True)
        DAMAGE[what](s.box / "records" / "journal.db")
        s._build()
        s.start()
        s.comes(lambda: s.state is not S.ATTRACT)
        assert s.state in (S.FINGERS, S.PROVE)
        assert "rebuilt" in s.acts(), "the incident is listed"
        assert len([name for name in parts(s) if name.startswith("finger/")]) >= 9
        s.until(S.RECEIPT)


def test_a_journal_found_damaged_in_the_middle_of_a_visit_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with story(at="CONSENT") as s:
        with monkeypatch.context() as world:
            world.setattr(Drafts, "accept", damaged)
            s.touch("consent:yes", "eid:yes")
            s.comes(S.OUT_OF_ORDER)
            assert s.screen.error == code_of("store_damaged")
        s.comes(lambda: s.kiosk.flow.session.ticket)
        assert s.record == "DRAFT"


def damaged(*_: object, **__: object) -> None:
    raise StoreDamaged("read a page")


def spoil(folder: Path) -> None:
    """One flipped byte in the middle of every part of the draft."""
    for file in folder.iterdir():
        if file.name != "key.age" and file.stat().st_size > 100:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(data)


def test_a_record_whose_files_are_damaged_is_put_aside_and_the_box_serves_the_next() -> None:
    with story(at="FINGERS-1") as s:
        s.kiosk.close()
        spoil(s.box / "records" / "drafts" / s.record_id)
        s._build()
        s.start()
        s.until(S.LANGUAGE)
        assert "record_damaged" in s.acts()
        assert s.rows("SELECT waiting_reason FROM record")[0]["waiting_reason"] == "damaged"


def test_the_ticket_of_a_damaged_record_calls_the_officer() -> None:
    with story(at="FINGERS-1") as s:
        s.touch("help")
        s.comes(S.HELP)
        s.touch("back")
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket = s.screen.ticket
        s.touch("ok")
        s.comes(S.ATTRACT)
        spoil(s.box / "records" / "drafts" / s.record_id)
        s.until(ui.Identify)
        s.touch("by:ticket")
        s.types(ticket.replace(" ", ""))
        s.comes(S.HELP)
        assert s.screen.reason == "step_failed"
        assert s.record == "DRAFT", "kept for who can look into it"
