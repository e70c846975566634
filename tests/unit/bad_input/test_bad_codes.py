"""QR codes, numbers and tickets that name nobody, or somebody else: a text says so, and nothing is begun."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import office
from support.kiosk import Story, story
from support.rows import row

from drivers.virtual.skin import Finger, impression
from firmware.records import tickets
from firmware.sim.citizen import qr_picture
from statemachine.guards import TRIES
from statemachine.states import S
from ui_fb import screens as ui
from ui_fb.screen import Screen

GOOD = office.ADULT.qr()
NUMBER = office.ADULT.number
OTHER_SEX = str(int(NUMBER[3]) ^ 1)
NOT_ISSUED = tickets.new(lambda _: 4711)


def changed(place: int, text: str) -> str:
    """The QR code of the old card with another text in one of its fields."""
    fields = GOOD.split("|")
    fields[place] = text
    return "|".join(fields)


CODES = {
    "an address of the web": ("https://example.org/", "not_one"),
    "a field too few": (GOOD.rpartition("|")[0], "not_one"),
    "too long": ("|".join(["1" * 90] * 6), "too_long"),
    "a number of eleven digits": (changed(0, NUMBER[:11]), "number"),
    "a province that is none": (changed(0, "003" + NUMBER[3:]), "number"),
    "the century of another sex": (changed(0, NUMBER[:3] + OTHER_SEX + NUMBER[4:]), "number"),
    "another birth year": (changed(3, "01011931"), "number"),
    "the 31st of February": (changed(3, "31021990"), "damaged"),
    "a name of digits": (changed(2, "1234"), "damaged"),
    "a sex that is none": (changed(4, "x"), "damaged"),
    "no address": (changed(5, ""), "damaged"),
    "a ticket never given": (f"idkiosk:ticket:{NOT_ISSUED}", "ticket_unknown"),
    "a ticket of letters": ("idkiosk:ticket:ABCD", "ticket_unknown"),
}


@pytest.mark.parametrize("what", CODES)
def test_a_wrong_qr_code_is_told_and_nothing_is_begun(what: str) -> None:
    """A citizen each: a code that goes on being held there is read again, and the third time calls help."""
    text, problem = CODES[what]
    with story() as s:
        s.until(ui.Identify)
        s.touch("by:qr")
        s.station.camera.show_picture(qr_picture(text, module_px=3))
        shows_problem(s, ui.ScanQr, problem)
        nothing_begun(s)


def shows_problem(s: Story, screen: type[Screen], problem: str) -> None:
    s.comes(lambda: isinstance(s.screen, screen) and s.screen.problem == problem)


def nothing_begun(s: Story) -> None:
    assert s.ask(lambda journal: journal.open_record()) is None
    assert s.rows("SELECT * FROM record") == []


def test_three_wrong_codes_call_the_officer_with_the_reason() -> None:
    with story() as s:
        s.until(ui.Identify)
        s.touch("by:qr")
        s.station.camera.show_picture(qr_picture("https://example.org/"))
        s.comes(S.HELP)
        assert s.screen.reason == "unreadable"
        nothing_begun(s)


NUMBERS = {
    "a province that is none": ("003085012345", "province"),
    "a country that is none": ("500085012345", "province"),
    "a century to come": ("001485012345", "century"),
    "a year to come": ("001299012345", "date"),
}


def test_an_impossible_number_is_told_and_nothing_is_begun() -> None:
    with story() as s:
        s.until(ui.Identify)
        for what, (digits, problem) in NUMBERS.items():
            with row(what):
                s.touch("by:number")
                s.types(digits)
                shows_problem(s, ui.EnterNumber, problem)
                assert s.screen.digits == "", "the next digits begin anew"
                s.touch("back")
                nothing_begun(s)


def test_a_number_that_is_not_finished_goes_nowhere() -> None:
    with story() as s:
        s.until(ui.Identify)
        s.touch("by:number")
        s.types("00108501234")
        assert (s.state, s.screen.digits) == (S.IDENTIFY, "00108501234")


TICKETS = {
    "mistyped": ("12345678" if tickets.check_digit("12345678") != "0" else "12345679", "mistyped"),
    "never given": (NOT_ISSUED.replace(" ", ""), "unknown"),
}


def test_a_wrong_ticket_is_told_and_nothing_is_begun() -> None:
    with story() as s:
        s.until(ui.Identify)
        for what, (digits, problem) in TICKETS.items():
            with row(what):
                s.touch("by:ticket")
                s.types(digits)
                shows_problem(s, ui.EnterTicket, problem)
                s.touch("back")
                nothing_begun(s)


@pytest.mark.parametrize("way", ["ticket", "qr"])
def test_an_expired_ticket_is_told_and_opens_nothing(way: str) -> None:
    with story(at="REVIEW") as s:
        ticket = ticketed(s)
        wait = s.kiosk.desk.pack.waiting_days
        read = s.kiosk.desk.time.read
        s.kiosk.desk.time.read = lambda: read() + timedelta(days=wait + 1)
        s.comes_in(office.ADULT)
        s.until(ui.Identify)
        s.touch(f"by:{way}")
        if way == "qr":
            s.station.camera.show_picture(qr_picture(f"idkiosk:ticket:{ticket}"))
            s.comes(lambda: isinstance(s.screen, ui.ScanQr) and s.screen.problem == "ticket_expired")
        else:
            s.types(ticket.replace(" ", ""))
            s.comes(lambda: isinstance(s.screen, ui.EnterTicket) and s.screen.problem == "expired")
        assert s.ask(lambda journal: journal.open_record()) is None
        assert s.record == "DRAFT", "ended by the box itself at its next start, not by a typed code"


def ticketed(s: Story) -> str:
    """Leave with a ticket; the code of it."""
    s.touch("help")
    s.comes(S.HELP)
    s.touch("back")
    s.comes(lambda: s.kiosk.flow.session.ticket)
    ticket: str = s.kiosk.visit.ticket
    s.touch("ok")
    s.comes(S.ATTRACT)
    return ticket


PERSONS = {
    "another name": changed(2, "Nguyễn Văn Khác"),
    "another birthday of the same year": changed(3, "0101" + office.ADULT.fields["birth_date"][:4]),
}


@pytest.mark.parametrize("what", PERSONS)
def test_a_card_that_disagrees_with_the_registry_is_for_the_officer(what: str) -> None:
    with story() as s:
        s.until(ui.Identify)
        s.touch("by:qr")
        s.station.camera.show_picture(qr_picture(PERSONS[what]))
        s.comes(S.HELP)
        assert (s.screen.reason, s.screen.retry) == ("card_differs", False)
        assert s.record == "DRAFT", "kept for the officer"
        assert not s.kiosk.flow.session.known, "nobody can be attested on it"


def test_a_card_that_writes_the_same_name_in_capitals_is_the_same_person() -> None:
    with story() as s:
        s.until(ui.Identify)
        s.touch("by:qr")
        s.station.camera.show_picture(qr_picture(changed(2, office.ADULT.fields["full_name"].upper())))
        s.comes(S.PROVE)


def test_another_persons_finger_proves_nothing_and_three_of_them_call_the_officer() -> None:
    with story() as s:
        s.until(S.PROVE)
        for touch in range(TRIES):
            s.station.sensor.lift()
            s.comes(lambda: not s.screen.lift)
            s.station.sensor.place(impression(Finger(office.NEXT.seed, s.screen.finger), touch, dry=0.05))
            s.comes(lambda tries=touch: s.kiosk.flow.session.tries > tries)
        s.comes(S.HELP)
        assert s.screen.reason == "finger_differs"
        assert not s.screen.retry, "nobody guesses on alone"
        assert "proof" not in s.ask(lambda journal: journal.draft(s.record_id).parts)


def test_a_child_without_a_guardian_goes_no_further_and_the_ticket_does_not_help() -> None:
    with story(office.CHILD) as s:
        s.until(S.HELP)
        assert (s.screen.reason, s.screen.retry) == ("guardian", False)
        s.touch("officer")
        s.officer()
        assert "act:attest" not in [target.action for target in s.screen.targets((800, 480))]
        s.touch("act:pause")
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket = s.kiosk.visit.ticket
        s.touch("ok")
        s.comes(S.ATTRACT)
        s.badge(None)
        s.comes_in(office.CHILD)
        s.until(ui.Identify)
        s.touch("by:ticket")
        s.types(ticket.replace(" ", ""))
        s.until(S.HELP)
        assert s.screen.reason == "guardian", "the finger alone does not do"
        assert s.record == "DRAFT"
