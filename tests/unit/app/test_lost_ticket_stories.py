"""A ticket that was never read, or is lost: the number alone finds what waits here, and proof opens it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import office
from support.kiosk import Story, story

from statemachine.states import S


def leaves_at_help(s: Story) -> None:
    """From a step of the visit: help is called, nobody comes, the person leaves; the ticket is not read."""
    s.touch("help")
    s.comes(S.HELP)
    s.touch("back")
    s.comes(S.PAUSED)
    s.comes(lambda: s.kiosk.flow.session.ticket)


def records(s: Story) -> int:
    s.ask(lambda _: None)
    return len(s.rows("SELECT id FROM record"))


def to_greeting(s: Story) -> None:
    s.touch("ok")
    s.comes(S.ATTRACT)


def test_the_power_goes_while_the_ticket_shows_and_the_same_record_goes_on() -> None:
    with story(at="FINGERS-1") as s:
        leaves_at_help(s)
        waiting = s.record_id
        s.restart()
        s.until(S.PROVE)
        s.until(S.FINGERS)
        assert (s.record_id, s.fingers_left, records(s)) == (waiting, 1, 1)
        s.until(S.FAREWELL)


def test_a_card_that_a_waiting_record_began_is_finished_by_that_record() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        leaves_at_help(s)
        waiting = s.record_id
        s.restart()
        s.until(S.PROVE)
        s.until(S.ATTRACT)
        s.comes(lambda: len(s.kiosk.last_receipts) == 1)
        assert (s.record_id, records(s)) == (waiting, 1)
        assert len([card for card in s.cards if office.sod_on(card.to_bytes())]) == 1
        assert s.centre.counts()["grants"]["issued"] == 1


def test_a_number_is_no_proof() -> None:
    with story(at="CONSENT") as s:
        leaves_at_help(s)
        to_greeting(s)
        s.screens.clear()
        s.until(S.PROVE)
        s.comes_in(office.NEXT)
        s.until(S.HELP)
        assert s.kiosk.flow.session.proven is None
        assert not {"Review", "Consent"} & set(s.screens)
        s.touch("back")
        s.comes(S.PAUSED)
        assert s.record == "DRAFT"


def test_without_a_line_the_waiting_record_still_knows_its_person() -> None:
    with story(at="CONSENT") as s:
        leaves_at_help(s)
        to_greeting(s)
        s.centre.stop()
        (s.box / "registry.extract").unlink(missing_ok=True)
        s.until(S.PROVE)
        s.until(S.CONSENT)
        assert records(s) == 1


def test_what_waits_for_somebody_else_is_left_alone() -> None:
    with story(at="CONSENT") as s:
        leaves_at_help(s)
        waiting = s.record_id
        to_greeting(s)
        s.comes_in(office.NEXT)
        s.until(S.REVIEW)
        assert s.record_id != waiting
        assert s.ask(lambda journal: journal.draft(waiting).waiting) is not None


def draft(s: Story, record_id: str) -> Path:
    return s.box / "records" / "drafts" / record_id


def scribbled(draft: Path) -> None:
    for entry in draft.glob("0*.*"):
        entry.write_bytes(b"scribbled over")


def keyless(draft: Path) -> None:
    (draft / "key.age").unlink()


def with_no_key(draft: Path) -> None:
    (draft / "key.age").write_bytes(b"no key")


DAMAGES = pytest.mark.parametrize("damage", [scribbled, keyless, with_no_key, shutil.rmtree])
Damage = Callable[[Path], None]


@DAMAGES
def test_a_damaged_record_that_waits_stands_in_nobodys_way(damage: Damage) -> None:
    with story(at="CONSENT") as s:
        leaves_at_help(s)
        waiting = s.record_id
        s.restart(lambda: damage(draft(s, waiting)))
        s.until(S.REVIEW)
        assert s.record_id != waiting
        assert s.ask(lambda journal: journal.state(waiting)) == "DRAFT"


@DAMAGES
def test_the_ticket_of_a_damaged_record_calls_the_officer_each_time(damage: Damage) -> None:
    with story(at="CONSENT") as s:
        leaves_at_help(s)
        ticket = s.kiosk.visit.ticket.replace(" ", "")
        waiting = s.record_id
        s.restart(lambda: damage(draft(s, waiting)))
        for _ in range(2):
            s.begins()
            s.touch("by:ticket")
            s.types(ticket)
            s.comes(S.HELP)
            assert s.kiosk.flow.session.reason == "record_damaged"
            s.touch("back")
            s.comes(S.ATTRACT)


@DAMAGES
def test_a_box_starts_over_a_damaged_record_whose_card_is_made(
    damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(at="PLACE_CARD") as s:
        monkeypatch.setattr("firmware.app.jobs.records._sealed", lambda *_: False)  # the power goes before
        s.until(S.RECEIPT)
        made = s.record_id

        def sealing_again() -> None:
            monkeypatch.undo()
            damage(draft(s, made))

        s.restart(sealing_again)
        s.comes_in(office.NEXT)
        s.until(S.REVIEW)
        assert s.record_id != made
        assert s.ask(lambda journal: journal.state(made)) == "COMPLETE"


@DAMAGES
def test_a_box_starts_over_a_damaged_record_that_was_open(damage: Damage) -> None:
    with story(at="CONSENT") as s:
        waiting = s.record_id
        s.restart(lambda: damage(draft(s, waiting)))
        s.until(S.REVIEW)
        assert s.record_id != waiting
