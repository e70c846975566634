"""`kiosk records offer-again` and `send-first`: an officer, the journal, and a line in the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import box
from support.console import FIRST, PINS, TECHNICIAN, acts, badges, data, journal_of, run, today

pytestmark = pytest.mark.usefixtures("today")
__all__ = ["data", "today"]  # fixtures

SIGNED = (*badges(FIRST),)
PIN = (PINS[FIRST],)


def test_a_refused_record_is_offered_again_by_an_officer(data: Path) -> None:
    with journal_of(data) as journal:
        file = box.sealed(journal)
        journal.refused_by_centre(file.record_id, "schema")
    done = run(data, "records", "offer-again", *SIGNED, pins=PIN)
    assert done.exit_code == 0, done.output
    assert "1 hồ sơ" in done.output
    with journal_of(data) as journal:
        assert [one.record_id for one in box.outbox(journal)] == [file.record_id]
    assert (FIRST, "offer_again") in acts(data)


def test_an_urgent_record_is_sent_before_older_ones(data: Path) -> None:
    with journal_of(data) as journal:
        files = [box.sealed(journal) for _ in range(3)]
    done = run(data, "records", "send-first", files[2].record_id, *SIGNED, pins=PIN)
    assert done.exit_code == 0, done.output
    with journal_of(data) as journal:
        assert [one.sequence for one in box.outbox(journal)] == [3, 1, 2]
    assert (FIRST, "hasten") in acts(data)


def test_a_record_that_is_not_sealed_here_is_a_sentence(data: Path) -> None:
    done = run(data, "records", "send-first", "ab" * 16, *SIGNED, pins=PIN)
    assert done.exit_code == 1
    assert "no sealed record" in done.stderr


@pytest.mark.parametrize("words", [["offer-again"], ["send-first", "ab" * 16]])
def test_who_is_no_officer_changes_nothing(data: Path, words: list[str]) -> None:
    done = run(data, "records", *words, *badges(TECHNICIAN), pins=(PINS[TECHNICIAN],))
    assert done.exit_code == 77


def test_while_the_kiosk_runs_the_command_says_so(data: Path) -> None:
    with journal_of(data):
        done = run(data, "records", "offer-again", *SIGNED, pins=PIN)
    assert done.exit_code == 69
    assert "the kiosk is running" in done.stderr
