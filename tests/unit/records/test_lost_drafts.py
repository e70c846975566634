"""Drafts that a damaged store cannot give back: listed by ticket, and raised as an incident."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support import box, record

from config.load import load
from firmware.doctor import team_status
from firmware.records.inspection import verify
from firmware.records.journal import Journal
from firmware.records.rebuild import kept_aside
from firmware.records.report import audit_rows


def without_key(draft: Path) -> None:
    (draft / "key.age").unlink()


def with_another_key(draft: Path) -> None:
    (draft / "key.age").write_bytes(b"not a key")


def without_beginning(draft: Path) -> None:
    next(draft.glob("00001.*")).unlink()


def with_spoiled_files(draft: Path) -> None:
    for path in draft.glob("0*"):
        path.write_bytes(bytes(path.stat().st_size))


def waiting(journal: Journal) -> tuple[str, str]:
    record_id = box.filled(journal)
    return record_id, journal.wait(record_id, "left", record.NOW + timedelta(days=30))


def spoil_database(folder: Path) -> None:
    (folder / "data" / "journal.db").write_bytes(b"no database" * 1000)


@pytest.mark.parametrize("damage", [without_key, with_another_key, without_beginning, with_spoiled_files])
def test_a_draft_that_cannot_be_recovered_is_named_by_its_ticket(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    with box.open_journal(tmp_path) as journal:
        lost, ticket = waiting(journal)
        kept, other = waiting(journal)
    damage(tmp_path / "data" / "drafts" / lost)
    spoil_database(tmp_path)
    with box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None
        assert journal.rebuilt.drafts == (kept,)
        (line,) = [each for each in journal.rebuilt.lost if each.startswith("draft")]
        assert lost in line and ticket in line
        assert journal.resume(other) == kept


def test_the_incident_is_in_the_audit_log_on_status_and_in_verify_until_it_is_taken_away(
    tmp_path: Path,
) -> None:
    with box.open_journal(tmp_path) as journal:
        lost, ticket = waiting(journal)
        assert team_status(load(), journal, None)["incident"] == ""
    without_key(tmp_path / "data" / "drafts" / lost)
    spoil_database(tmp_path)
    box.open_journal(tmp_path).close()
    with box.open_journal(tmp_path) as journal:  # a later start: the incident is still there
        assert journal.rebuilt is None
        (rebuilt,) = [row for row in audit_rows(journal.shelf) if row.act == "rebuilt"]
        told = json.loads(rebuilt.detail)
        assert any(ticket in line for line in told["lost"]) and told["set_aside"].startswith("journal.db.dam")
        assert journal.audit.verify() == []
        assert team_status(load(), journal, None)["incident"] == "damaged"
        bad = [finding.subject for finding in verify(journal.shelf) if not finding.good]
        assert f"{lost}.lost" in bad
        for name in kept_aside(journal.shelf.folder):
            for path in (tmp_path / "data").rglob(f"{name}*"):
                path.rename(tmp_path / path.name)
        assert team_status(load(), journal, None)["incident"] == ""


def test_nothing_that_was_lost_is_a_persons(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with box.open_journal(tmp_path) as journal:
        lost, _ = waiting(journal)
    without_key(tmp_path / "data" / "drafts" / lost)
    spoil_database(tmp_path)
    with caplog.at_level(logging.DEBUG), box.open_journal(tmp_path) as journal:
        assert journal.rebuilt is not None
        said = "\n".join((*journal.rebuilt.lost, caplog.text))
    assert record.NAME not in said and record.NUMBER not in said


def test_a_ticket_is_written_beside_its_draft_once_and_goes_with_it(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        record_id, ticket = waiting(journal)
        for _ in range(2):
            journal.resume(ticket)
            assert journal.wait(record_id, "left", record.NOW + timedelta(days=30)) == ticket
        marks = list((tmp_path / "data" / "drafts" / record_id).glob("ticket.*"))
        assert [path.name for path in marks] == [f"ticket.{ticket.replace(' ', '')}"]
        journal.resume(ticket)
        journal.abandon(record_id, "left")
        assert not (tmp_path / "data" / "drafts" / record_id).exists()
