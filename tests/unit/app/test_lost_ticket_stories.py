"""A ticket that was never read, or is lost: the number alone finds what waits here, and proof opens it."""

from __future__ import annotations

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


def test_a_damaged_record_that_waits_stands_in_nobodys_way() -> None:
    with story(at="CONSENT") as s:
        leaves_at_help(s)
        waiting = s.record_id
        for entry in (s.box / "records" / "drafts" / waiting).glob("0*.*"):
            entry.write_bytes(b"scribbled over")
        to_greeting(s)
        s.until(S.REVIEW)
        assert s.record_id != waiting
        assert s.ask(lambda journal: journal.draft(s.record_id).state) == "DRAFT"
