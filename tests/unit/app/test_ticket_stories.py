"""Put aside and taken up again: nobody goes home empty-handed."""

from __future__ import annotations

from support import office
from support.kiosk import Story, story

from statemachine.states import S


def paused(s: Story) -> str:
    """From a step of the visit: an officer puts it aside; the ticket's digits."""
    s.touch("help")
    s.comes(S.HELP)
    s.officer()
    s.touch("act:pause")
    s.comes(S.PAUSED)
    s.badge(None)
    s.comes(lambda: s.kiosk.flow.session.ticket)
    ticket: str = s.kiosk.visit.ticket.replace(" ", "")
    s.touch("ok")
    s.comes(S.ATTRACT)
    return ticket


def identify_by_ticket(s: Story, ticket: str) -> None:
    s.begins()
    s.touch("by:ticket")
    s.types(ticket)


def test_a_paused_visit_goes_on_at_its_step_once_the_person_has_proven_again() -> None:
    with story(at="FINGERS-1") as s:
        identify_by_ticket(s, paused(s))
        s.comes(S.PROVE)
        s.until(S.FINGERS)
        assert s.fingers_left == 1
        s.until(S.CONFIRM)
        assert s.screen.good == 10
        s.until(S.FAREWELL)
        assert s.record in ("SEALED", "ACKED", "PURGED")


def test_a_paused_visit_survives_a_power_cut() -> None:
    with story(at="CONSENT") as s:
        ticket = paused(s)
        s.restart()
        identify_by_ticket(s, ticket)
        s.comes(S.PROVE)
        s.until(S.CONSENT)


def test_somebody_elses_finger_does_not_take_a_ticket_over() -> None:
    with story(at="CONSENT") as s:
        ticket = paused(s)
        s.person = office.NEXT
        identify_by_ticket(s, ticket)
        s.until(S.HELP)
        assert s.kiosk.flow.session.proven is None
        s.touch("back")
        s.comes(S.PAUSED)
        assert s.record == "DRAFT"


def test_a_wrong_ticket_is_said_to_be_wrong() -> None:
    with story() as s:
        identify_by_ticket(s, "12345678")
        s.comes(lambda: getattr(s.screen, "problem", "") != "")
        assert s.state is S.IDENTIFY
