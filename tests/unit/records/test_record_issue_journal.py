"""The issue journal: a live card without a record cannot be, and every blank is accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from support import box, record

from firmware.issue.ports import IssueJournal
from firmware.records.errors import WrongState
from firmware.records.format.seal import open_sealed
from firmware.records.journal import Journal
from firmware.records.states import RecordState
from firmware.records.stock import Blanks

S = RecordState
KEYS = record.keys()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as journal:
        yield journal


def port(journal: Journal) -> IssueJournal:
    return journal


def test_the_journal_is_the_issue_journal(journal: Journal) -> None:
    record_id = box.frozen(journal)
    issue = port(journal)
    attempt = issue.attempt(record_id)
    assert (attempt.number, attempt.image, attempt.sod, attempt.issuing, attempt.stage) == (
        1,
        box.IMAGE,
        None,
        False,
        "",
    )
    issue.stage(record_id, 1, "dg2:1200")
    issue.keep_sod(record_id, 1, box.SOD)
    attempt = issue.attempt(record_id)
    assert (attempt.sod, attempt.stage, journal.state(record_id)) == (box.SOD, "dg2:1200", S.FROZEN)


def test_issuing_needs_the_very_sod_that_was_kept(journal: Journal) -> None:
    record_id = box.frozen(journal)
    for sod in (box.SOD, b"other"):
        with pytest.raises(WrongState):
            journal.issuing(record_id, 1, sha256(sod).digest())
    journal.keep_sod(record_id, 1, box.SOD)
    with pytest.raises(WrongState):
        journal.issuing(record_id, 1, sha256(b"other").digest())
    journal.issuing(record_id, 1, sha256(box.SOD).digest())
    assert journal.state(record_id) is S.ISSUING


def test_a_resume_never_signs_again(journal: Journal) -> None:
    record_id = box.frozen(journal)
    journal.keep_sod(record_id, 1, box.SOD)
    journal.keep_sod(record_id, 1, box.SOD)
    with pytest.raises(WrongState, match="another SOD"):
        journal.keep_sod(record_id, 1, b"other")
    assert journal.attempt(record_id).sod == box.SOD


def test_the_next_attempt_has_an_image_of_its_own_before_it_begins(journal: Journal) -> None:
    record_id = box.frozen(journal)
    assert not journal.attempt(record_id).inherited
    journal.stage(record_id, 1, "keys apdus=3")
    with pytest.raises(WrongState, match="of its own"):
        journal.keep_image(record_id, 1, b"another image")
    journal.lost(record_id, 1, box.OFFICERS)
    second = journal.attempt(record_id)
    assert (second.inherited, second.image) == (True, box.IMAGE)
    journal.keep_image(record_id, 2, b"the same with new keys")
    journal.keep_image(record_id, 2, b"the same with new keys")
    second = journal.attempt(record_id)
    assert (second.inherited, second.image) == (False, b"the same with new keys")
    with pytest.raises(WrongState, match="another image"):
        journal.keep_image(record_id, 2, b"yet another")
    journal.stage(record_id, 2, "keys apdus=3")
    journal.keep_image(record_id, 2, b"the same with new keys")


def test_a_lost_card_is_void_and_the_next_one_counts(journal: Journal) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    assert journal.lost(record_id, 1, box.OFFICERS) == 2
    for late in (
        lambda: journal.stage(record_id, 1, "x"),
        lambda: journal.complete(record_id, 1, box.REPORT),
    ):
        with pytest.raises(WrongState):
            late()
    with pytest.raises(WrongState):  # no way back, also between two cards
        journal.abandon(record_id, "left")
    box.issuing(journal, record_id, 2, b"second SOD")
    journal.complete(record_id, 2, box.REPORT)
    journal.seal(record_id)
    (file,) = box.outbox(journal)
    manifest = open_sealed(file.path.read_bytes(), [KEYS.centre], KEYS.box_ca, record.NOW).manifest
    (void,) = manifest["void_cards"]
    assert void["sod_sha256"] == sha256(box.SOD).hexdigest() and void["officers"] == list(box.OFFICERS)
    assert manifest["chip"]["sod_sha256"] == sha256(b"second SOD").hexdigest()


def test_a_card_lost_before_its_sod_is_spoiled_and_not_on_the_void_list(journal: Journal) -> None:
    record_id = box.frozen(journal)
    journal.lost(record_id, 1, box.OFFICERS)
    assert journal.state(record_id) is S.FROZEN
    assert journal.void_cards(record_id) == ()
    assert journal.blanks().void == 1
    journal.abandon(record_id, "left")


@pytest.mark.parametrize("officers", [[], ["a b"], ["Nguyễn"], ["O-1"] * 5])
def test_losing_a_card_needs_officers_that_the_record_can_name(journal: Journal, officers: list[str]) -> None:
    record_id = box.frozen(journal)
    with pytest.raises(ValueError, match="officers"):
        journal.lost(record_id, 1, officers)
    assert journal.attempt(record_id).number == 1


def test_blanks_in_are_live_void_and_left(journal: Journal) -> None:
    journal.stock.load(10, ["O-1"])
    journal.stock.spoil(1, ["O-1"])
    box.completed(journal)
    journal.seal(journal.unsealed()[0])
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    assert journal.blanks() == Blanks(10, 2, 1)
    journal.lost(record_id, 1, box.OFFICERS)
    blanks = journal.blanks()
    assert (blanks.taken_in, blanks.live, blanks.void, blanks.left) == (10, 1, 2, 7)
    assert blanks.taken_in == blanks.live + blanks.void + blanks.left


@pytest.mark.parametrize(("count", "officers"), [(0, ["O-1"]), (-3, ["O-1"]), (5, [])])
def test_a_booking_needs_a_count_and_an_officer(journal: Journal, count: int, officers: list[str]) -> None:
    with pytest.raises(ValueError, match="booking"):
        journal.stock.load(count, officers)


@pytest.mark.parametrize("check", ["read_back", "passive_authentication", "locked"])
def test_a_check_that_did_not_hold_never_completes(journal: Journal, check: str) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    for value in (False, None, 1):
        with pytest.raises(ValueError, match=check):
            journal.complete(record_id, 1, {**box.REPORT, check: value})
    assert journal.state(record_id) is S.ISSUING


def test_a_strange_chip_report_cannot_stop_a_live_card(journal: Journal) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    strange = {"card_serial": b"\x00", "data_groups": 7, "huge": 2**80, "set": {1}, "far": float("inf")}
    journal.complete(record_id, 1, {**box.REPORT, **strange})
    journal.seal(record_id)
    assert journal.state(record_id) is S.SEALED
