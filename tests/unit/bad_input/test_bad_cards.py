"""Cards that are foreign, locked, torn, silent or nonsense: the person is told, no card is lost track of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support import office
from support.kiosk import Story, story
from support.memory import memory

from config.schema import Chip
from drivers.virtual.card.card import OfficerCard, VirtualCard, blank_card, foreign_card
from firmware.app.jobs.chip import LIFT_S
from statemachine.guards import TRIES
from statemachine.states import S
from ui_fb import screens as ui


class Babbling(VirtualCard):
    """Answers everything with two bytes that are no status at all."""

    def transmit(self, apdu: bytes) -> bytes:
        return b"\x12\x34"


class Refusing(VirtualCard):
    """Answers everything with `no precise diagnosis`."""

    def transmit(self, apdu: bytes) -> bytes:
        return b"\x6f\x00"


class Hollow(VirtualCard):
    """Says yes to everything, and holds nothing."""

    def transmit(self, apdu: bytes) -> bytes:
        return b"\x90\x00"


def finished() -> VirtualCard:
    """The card of a visit that has ended: live and locked."""
    with story(at="PLACE_CARD") as s:
        s.until(S.RECEIPT)
        return VirtualCard.from_bytes(s.citizen.card.to_bytes())


def another_persons() -> VirtualCard:
    with story(office.NEXT) as s:
        s.until(S.RECEIPT)
        return VirtualCard.from_bytes(s.citizen.card.to_bytes())


def blank() -> VirtualCard:
    return blank_card(kind=Chip().dialect)


def silent() -> VirtualCard:
    card = blank()
    card.mute_after(0)
    return card


CARDS: dict[str, tuple[Callable[[], VirtualCard], str]] = {
    "foreign": (foreign_card, "card_foreign"),
    "an officer's badge": (lambda: OfficerCard(office.OFFICER), "card_foreign"),
    "another person's, locked": (another_persons, "card_foreign"),
    "refusing": (lambda: Refusing({}), "card_foreign"),
    "hollow": (lambda: Hollow({}), "card_foreign"),
}


@pytest.mark.parametrize("what", CARDS)
def test_a_card_that_is_not_to_be_written_is_told_and_left_as_it_is(what: str) -> None:
    make, reason = CARDS[what]
    with story(at="PLACE_CARD") as s:
        card = make()
        before = memory(card.to_bytes())
        s.station.chip.put(card)
        s.comes(lambda: isinstance(s.screen, ui.PlaceCard) and s.screen.reason == reason)
        assert s.record == "FROZEN"
        assert memory(card.to_bytes()) == before, "not one byte was written to it"
        turned_down_again(s, card)
        s.comes(S.HELP)
        assert s.screen.reason == "card_wrong"
        s.station.chip.lift()
        s.touch("retry")
        s.skip(LIFT_S)
        s.until(S.RECEIPT)


def turned_down_again(s: Story, card: VirtualCard) -> None:
    """Laid down until the kiosk calls for help."""
    for tries in range(2, TRIES + 1):
        s.lifts_card()
        s.station.chip.put(card)
        s.comes(lambda tries=tries: s.state is S.HELP or s.kiosk.flow.session.tries >= tries)  # type: ignore[misc]


def test_the_same_persons_earlier_card_is_not_taken_for_a_new_one() -> None:
    """The access keys follow from the person: the old card opens with them, and must not be written."""
    card = finished()
    before = office.sod_on(card.to_bytes())
    with story(at="PLACE_CARD") as s:
        s.station.chip.put(card)
        s.comes(lambda: s.state in (S.HOLD_STILL, S.HELP) or s.kiosk.flow.session.tries > 0)
        assert s.record == "FROZEN"
        assert office.sod_on(card.to_bytes()) == before
        s.station.chip.lift()
        s.until(S.RECEIPT)


@pytest.mark.parametrize("make", [silent, lambda: Babbling({})], ids=["silent", "babbling"])
def test_a_card_without_an_answer_is_the_readers_trouble_and_another_one_is_written(
    make: Callable[[], VirtualCard],
) -> None:
    with story(at="PLACE_CARD") as s:
        s.station.chip.put(make())
        s.comes(S.HELP)
        assert s.screen.reason == "lost_chip"
        s.station.chip.lift()
        s.comes(lambda: not s.kiosk.flow.session.lost)
        s.touch("retry")
        s.until(S.RECEIPT)


TORN = {
    "while its keys come": 24,
    "while DG1 comes": 30,
    "in the middle of the portrait": 33,
    "while it is read back": 60,
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", TORN)
def test_a_card_torn_away_in_the_middle_is_asked_back_and_finished(what: str, when: str) -> None:
    with story(at="PLACE_CARD") as s:
        s.citizen.card.tear(TORN[what], when)  # type: ignore[arg-type]
        s.until(S.HOLD_STILL)
        assert s.record in ("FROZEN", "ISSUING")
        s.until(S.RECEIPT)
        (attempt,) = s.rows("SELECT * FROM attempt")
        assert (attempt["number"], attempt["lost_at"]) == (1, None), "the same card, finished"


@pytest.mark.parametrize("make", [foreign_card, blank, another_persons])
def test_another_card_in_the_place_of_the_one_that_was_begun_is_not_written(
    make: Callable[[], VirtualCard],
) -> None:
    other = make()
    with story(at="PLACE_CARD") as s:
        s.until(lambda: s.kiosk.flow.session.held == "issuing")
        s.station.chip.lift()
        s.comes(S.HOLD_STILL)
        before = memory(other.to_bytes())
        s.station.chip.put(other)
        s.comes(lambda: s.kiosk.flow.session.tries > 1)
        assert (s.state, s.record) == (S.HOLD_STILL, "ISSUING")
        assert memory(other.to_bytes()) == before
        s.lifts_card()
        s.until(S.RECEIPT)
