"""The line to the centre comes and goes; what was done is neither lost nor done twice."""

from __future__ import annotations

from support import office
from support.kiosk import Story, story

from statemachine.states import S
from ui_fb import screens as ui


def delivered(s: Story) -> None:
    s.comes(lambda: len(s.kiosk.last_receipts) == 1)
    assert s.record == "PURGED"
    assert s.centre.counts()["records"] == {"ACCEPTED": 1}


def test_without_a_line_the_signed_extract_answers() -> None:
    with story() as s:
        s.comes(lambda: (s.box / "registry.extract").exists())
        s.centre.stop()
        s.until(S.PROVE)
        s.until(S.REVIEW)
        assert s.kiosk.visit.subject["full_name"] == office.ADULT.fields["full_name"]


def test_without_line_and_extract_the_officer_is_called_and_a_ticket_is_made() -> None:
    with story(started=False) as s:
        s.centre.stop()
        s.start()
        s.until(S.HELP)
        assert s.kiosk.flow.session.reason == "registry_away"
        s.touch("back")
        s.comes(S.PAUSED)
        s.comes(lambda: s.kiosk.flow.session.ticket)


def test_the_look_up_can_be_tried_again_once_the_line_is_back() -> None:
    with story(started=False) as s:
        s.centre.stop()
        s.start()
        s.until(S.HELP)
        s.centre.start()
        s.officer()
        s.touch("act:done")
        s.until(S.REVIEW)
        assert len(s.rows("SELECT * FROM record")) == 1


def test_a_centre_that_cannot_sign_makes_a_ticket_and_the_record_goes_on_later() -> None:
    with story(at="PLACE_CARD") as s:
        s.centre.stop()
        s.until(S.PAUSED)
        assert s.screen.reason == "signer"
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket = s.screen.ticket.replace(" ", "")
        assert s.record == "FROZEN"
        assert office.sod_on(s.citizen.card.to_bytes()) == b""
        s.station.chip.lift()
        s.touch("ok")
        s.comes(S.ATTRACT)
        s.centre.start()
        s.begins()
        s.touch("by:ticket")
        s.types(ticket)
        s.until(S.FAREWELL)
        delivered(s)


def test_a_record_is_delivered_when_the_centre_is_back() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        s.centre.stop()
        s.until(S.FAREWELL)
        s.until(S.ATTRACT)
        assert s.record == "SEALED"
        s.comes(lambda: s.kiosk.status.get("unsent") == 1)
        s.centre.start()
        s.skip(s.kiosk.desk.config.centre.retry_most_s)
        delivered(s)


def test_a_record_sealed_before_a_power_cut_is_delivered_after_it() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        s.centre.stop()
        s.comes(lambda: s.screen.code != "…")
        s.restart()
        s.centre.start()
        s.skip(s.kiosk.desk.config.centre.retry_most_s)
        delivered(s)


def test_a_late_answer_of_the_registry_does_not_touch_the_next_visit() -> None:
    with story() as s:
        s.until(S.IDENTIFY)
        s.centre.falls_silent()
        s.until(S.LOOKUP)
        s.skip(31)
        s.comes(S.HELP)
        s.touch("back")
        s.comes(S.ATTRACT)
        s.comes_in(office.NEXT)
        s.until(ui.ScanQr)
        s.centre.answers()
        s.until(S.REVIEW)
        assert s.kiosk.visit.subject["full_name"] == office.NEXT.fields["full_name"]
        states = [row["state"] for row in s.rows("SELECT state FROM record")]
        assert states.count("DRAFT") == 1


def test_what_was_kept_late_is_kept_and_the_visit_stays_where_it_is() -> None:
    """Help is pressed while the consent is on its way to the disk."""
    with story(at="CONSENT") as s:
        s.touch("consent:yes", "eid:yes", "help")
        assert s.state is S.HELP
        s.comes(lambda: "late_answer" in s.acts())
        assert s.state is S.HELP
        assert s.ask(lambda journal: journal.draft(s.record_id).parts["consent"]["given"])
