"""The card's part of a visit: torn, foreign, void, and never two of one record."""

from __future__ import annotations

from hashlib import sha256

import pytest
from support import office
from support.kiosk import Story, story

from drivers.virtual.card.card import foreign_card
from firmware.sim.officer import PINS
from statemachine.states import S


def sods(s: Story) -> list[bytes]:
    """The EF.SOD of each card that bears some of it."""
    return [sod for card in s.cards if (sod := office.sod_on(card.to_bytes()))]


def finished(s: Story) -> None:
    """To the end of the visit, and the record at the centre."""
    s.until(S.FAREWELL)
    s.until(S.ATTRACT)
    s.comes(lambda: len(s.kiosk.last_receipts) == 1)
    assert s.record == "PURGED"
    assert s.centre.counts()["grants"]["issued"] == 1


def voided(s: Story) -> None:
    """From the help screen: two officers put the card on the void list."""
    s.officer()
    s.touch("act:void", "yes")
    s.second_badge(office.OTHER_OFFICER)
    s.types(PINS[office.OTHER_OFFICER])
    s.comes(S.PLACE_CARD)
    s.badge(None)


def test_a_card_lifted_while_it_is_looked_at_is_asked_for_again() -> None:
    with story(at="PLACE_CARD") as s:
        s.citizen.card.lift_after(1)
        s.station.chip.put(s.citizen.card)
        s.comes(lambda: s.kiosk.flow.session.tries == 1)
        assert (s.state, s.screen.reason) == (S.PLACE_CARD, "place_card")
        s.reader.awaits_card()
        finished(s)


@pytest.mark.parametrize("apdus", [20, 80])
def test_a_card_lifted_before_issuing_is_finished_when_it_comes_back(apdus: int) -> None:
    with story(at="PLACE_CARD") as s:
        s.citizen.card.lift_after(apdus)
        s.until(S.HOLD_STILL)
        assert s.record == "FROZEN"
        finished(s)
        assert len(sods(s)) == 1


def test_a_card_lifted_in_the_middle_of_its_sod_gets_the_same_bytes() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        assert s.record == "ISSUING"
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        (kept,) = s.rows("SELECT sod_sha256 FROM attempt")
        finished(s)
        (sod,) = sods(s)
        assert sha256(sod).hexdigest() == kept["sod_sha256"]


def test_a_second_blank_is_refused_once_issuing_began() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        other = s.station.blank()
        s.cards.append(other)
        for tries in (1,):
            s.station.chip.put(other)
            s.comes(lambda tries=tries: s.screen.tries_left == tries)  # type: ignore[misc]
            s.lifts_card()
        assert office.sod_on(other.to_bytes()) == b""
        assert s.record == "ISSUING"


def test_a_foreign_card_is_turned_down_until_help_is_called() -> None:
    with story(at="PLACE_CARD") as s:
        s.station.chip.put(foreign_card())
        s.comes(lambda: s.screen.reason == "card_foreign")
        s.lifts_card()
        finished(s)


def test_a_blank_that_lies_there_after_a_foreign_card_is_taken() -> None:
    with story(at="PLACE_CARD") as s:
        s.station.chip.put(foreign_card())
        s.comes(lambda: s.screen.reason == "card_foreign")
        s.lifts_card()
        s.station.chip.put(s.citizen.card)
        s.comes(S.RECEIPT)


def test_a_card_that_does_not_come_back_is_void_and_a_new_one_is_made() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        s.touch("help")
        s.comes(S.HELP)
        voided(s)
        assert len(s.ask(lambda journal: journal.void_cards(s.record_id))) == 1
        s.takes_blank()
        finished(s)
        (opened,) = s.centre.records()
        assert [void["attempt"] for void in opened.manifest["void_cards"]] == [1]
        assert opened.manifest["void_cards"][0]["officers"] == [office.OFFICER, office.OTHER_OFFICER]
        assert s.centre.counts()["grants"] == {"open": 0, "void": 1, "issued": 1}


def test_the_same_officer_cannot_void_a_card_alone() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        s.touch("help")
        s.comes(S.HELP)
        s.officer()
        s.touch("act:void", "yes")
        s.second_badge(office.OFFICER)
        s.types(PINS[office.OFFICER])
        s.comes(lambda: s.kiosk.flow.session.reason == "four_eyes")
        assert s.screen.problem == "same"
        assert s.ask(lambda journal: journal.void_cards(s.record_id)) == ()


def test_an_issuing_record_cannot_be_refused() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        s.touch("help")
        s.comes(S.HELP)
        s.officer()
        s.touch("act:refuse", "yes")
        s.comes(lambda: s.kiosk.flow.session.reason == "issuing_goes_forward")
        assert s.record == "ISSUING"


def test_an_issuing_record_that_is_put_aside_comes_back_to_its_card() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        s.touch("help")
        s.comes(S.HELP)
        s.officer()
        s.touch("act:pause")
        s.comes(S.PAUSED)
        s.badge(None)
        s.comes(lambda: s.kiosk.flow.session.ticket)
        ticket = s.screen.ticket.replace(" ", "")
        s.touch("ok")
        s.comes(S.ATTRACT)
        s.begins()
        s.touch("by:ticket")
        s.types(ticket)
        s.comes(S.PROVE)
        finished(s)
        assert len(sods(s)) == 1


def test_a_box_that_restarts_while_issuing_goes_on_with_the_same_card() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.restart()
        finished(s)
        assert len(sods(s)) == 1


def test_a_reader_pulled_out_in_mid_write_holds_the_visit_until_it_is_back() -> None:
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        reader = s.station.chip.reader  # type: ignore[attr-defined]
        reader.unplug()
        s.comes(S.HOLD_STILL)
        s.comes(lambda: "chip" in s.kiosk.flow.session.lost)
        reader.plug()
        s.comes(lambda: "chip" not in s.kiosk.flow.session.lost)
        finished(s)
