"""`kiosk card resume` and `void`: the journal, two officers, the very card."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from support import record
from support.console import (
    FIRST,
    ISSUING,
    NOW,
    PINS,
    SECOND,
    TECHNICIAN,
    acts,
    badges,
    data,
    journal_of,
    run,
    saved,
    state,
    today,
    torn,
)

from drivers.api import Deadline
from drivers.virtual.card import OfficerCard, VirtualCard, VirtualReader, blank_card
from firmware import cli_counter
from firmware.box.identity import Identity
from firmware.document.mrz import access_keys, td1
from firmware.issue.findings import Verdict
from firmware.issue.inspect import inspect
from firmware.records.report import list_records
from firmware.records.states import RecordState

pytestmark = pytest.mark.usefixtures("today")
__all__ = ["data", "saved", "today"]  # fixtures


def resumed(data: Path, key: str, saved: Path, card: VirtualCard, *more: str) -> Result:
    saved.write_bytes(card.to_bytes())
    return run(
        data, "card", "resume", key, *badges(FIRST), "--virtual", str(saved), *more, pins=(PINS[FIRST],)
    )


# --- resume ---


@pytest.mark.parametrize("by", ["ticket", "record"])
def test_a_torn_card_is_finished_by_an_officer_and_the_record_sealed(
    data: Path, saved: Path, by: str
) -> None:
    record_id, ticket, card = torn(data, ISSUING)
    assert state(data) is RecordState.ISSUING
    done = resumed(data, ticket if by == "ticket" else record_id, saved, card)
    assert done.exit_code == 0, done.output
    assert "finished and sealed" in done.output
    assert state(data) is RecordState.SEALED
    assert (FIRST, "card_resumed") in acts(data)


def test_a_finished_card_is_genuine_for_anybody(data: Path, saved: Path) -> None:

    _, ticket, card = torn(data, ISSUING)
    assert resumed(data, ticket, saved, card).exit_code == 0
    values = {name: each["value"] for name, each in record.subject().items()}
    keys = access_keys(td1({**values, "expiry_date": "2029-05-06"}))
    with VirtualReader() as reader:
        reader.put(VirtualCard.from_bytes(saved.read_bytes()))
        trust = [Identity(data / "identity").certificate("csca")]
        assert inspect(reader, keys, trust, NOW, Deadline.after(60)).verdict is Verdict.GENUINE


def test_another_card_is_not_written_and_the_record_waits_on(data: Path, saved: Path) -> None:
    _, ticket, _ = torn(data, ISSUING)
    other = blank_card()
    before = other.to_bytes()
    done = resumed(data, ticket, saved, other)
    assert done.exit_code == 69, done.output
    assert "not the card of this record" in done.output
    assert saved.read_bytes() == before
    with journal_of(data) as journal:
        (row,) = list_records(journal.shelf)
        assert (row.state, row.at_kiosk, row.waiting) == (RecordState.ISSUING, False, "interrupted")
        assert journal.resume(ticket) == row.record_id, "under the same ticket"


@pytest.mark.parametrize("profile", ["training", "production"])
def test_no_record_of_a_real_box_ends_with_a_virtual_card(
    data: Path, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    _, ticket, card = torn(data, ISSUING)
    site = tmp_path / "site.toml"
    site.write_text(f'[station]\nprofile = "{profile}"\n[badge]\nreader = "Badges"\n')
    reader = VirtualReader()
    reader.put(OfficerCard(FIRST))
    monkeypatch.setattr(cli_counter, "open_badges", lambda name: reader)
    saved.write_bytes(card.to_bytes())
    words = ("card", "resume", ticket, "--config", str(site), "--virtual", str(saved))
    done = run(data, *words, pins=(PINS[FIRST],))
    assert (done.exit_code, "for a virtual station" in done.stderr) == (2, True), done.output
    assert state(data) is RecordState.ISSUING


def test_a_record_whose_card_was_not_begun_goes_on_with_its_citizen(data: Path, saved: Path) -> None:
    _, ticket, card = torn(data, 10)
    done = resumed(data, ticket, saved, card)
    assert (done.exit_code, "FROZEN" in done.stderr) == (1, True)


def test_a_technician_a_stranger_and_a_wrong_pin_do_not_get_there(data: Path, saved: Path) -> None:
    _, ticket, card = torn(data, ISSUING)
    saved.write_bytes(card.to_bytes())
    rest = ("--virtual", str(saved))
    for who, pins in ((TECHNICIAN, (PINS[TECHNICIAN],)), ("NV-9999", ()), (FIRST, ("000000",) * 5)):
        done = run(data, "card", "resume", ticket, *badges(who), *rest, pins=pins)
        assert done.exit_code == 77, (who, done.output)
    assert "locked" in done.stderr
    done = run(data, "card", "resume", ticket, *badges(FIRST), *rest, pins=(PINS[FIRST],))
    assert done.exit_code == 77, "the right PIN comes too late"
    assert state(data) is RecordState.ISSUING


def test_a_running_kiosk_keeps_the_journal_to_itself(data: Path, saved: Path) -> None:
    _, ticket, card = torn(data, ISSUING)
    with journal_of(data):
        done = resumed(data, ticket, saved, card)
        assert done.exit_code == 69
        assert "the kiosk is running" in done.stderr
        shown = run(data, "card", "stock", "show")
        assert (shown.exit_code, "live 1" in shown.output) == (0, True), "what only reads goes beside it"


@pytest.mark.parametrize("key", ["1234 5678", "nothing", "00000000-0000-4000-8000-000000000009"])
def test_a_key_of_no_record_is_said(data: Path, saved: Path, key: str) -> None:
    torn(data, 10)
    assert run(data, "card", "resume", key, *badges(FIRST)).exit_code == 1


# --- void ---


def test_two_officers_void_a_card_and_the_next_attempt_waits(data: Path) -> None:
    record_id, ticket, _ = torn(data, ISSUING)
    done = run(
        data, "card", "void", ticket, "--yes", *badges(FIRST, SECOND), pins=(PINS[FIRST], PINS[SECOND])
    )
    assert done.exit_code == 0, done.output
    assert "may be live" in done.output
    assert "void 1" in done.output
    with journal_of(data) as journal:
        assert journal.attempt(record_id).number == 2
        (lost,) = journal.void_cards(record_id)
        assert list(lost["officers"]) == [FIRST, SECOND]
        assert journal.blanks().void == 1


def test_a_card_that_was_not_live_is_lost_and_not_on_the_void_list(data: Path) -> None:
    record_id, ticket, _ = torn(data, 10)
    done = run(
        data, "card", "void", ticket, "--yes", *badges(FIRST, SECOND), pins=(PINS[FIRST], PINS[SECOND])
    )
    assert (done.exit_code, "not live" in done.output) == (0, True)
    with journal_of(data) as journal:
        assert journal.void_cards(record_id) == ()
        assert journal.attempt(record_id).number == 2


@pytest.mark.parametrize(
    ("who", "pins", "code"),
    [
        ((FIRST,), (PINS[FIRST],), 2),
        ((FIRST, FIRST), (PINS[FIRST], PINS[FIRST]), 77),
        ((FIRST, TECHNICIAN), (PINS[FIRST], PINS[TECHNICIAN]), 77),
        ((FIRST, SECOND), (PINS[FIRST], *["000000"] * 5), 77),
    ],
)
def test_one_officer_alone_voids_nothing(
    data: Path, who: tuple[str, ...], pins: tuple[str, ...], code: int
) -> None:
    record_id, ticket, _ = torn(data, ISSUING)
    done = run(data, "card", "void", ticket, "--yes", *badges(*who), pins=pins)
    assert done.exit_code == code, done.output
    with journal_of(data) as journal:
        assert journal.attempt(record_id).number == 1


def test_a_second_thought_voids_nothing(data: Path) -> None:
    record_id, ticket, _ = torn(data, ISSUING)
    done = run(data, "card", "void", ticket, *badges(FIRST, SECOND), pins=(PINS[FIRST], PINS[SECOND], "n"))
    assert done.exit_code == 1
    with journal_of(data) as journal:
        assert journal.attempt(record_id).number == 1
