"""Any dialect, cut at every APDU and every commit: a card is finished, or void and listed. Never two."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from support.dialects import NAMES
from support.issue import OFFICERS, RECORD, Desk, assert_live, content, has_keys, new_card, sod_bytes
from support.tears import DARK, Bench, Durable, Place
from support.torture import many

from drivers.virtual.card import VirtualCard, foreign_card
from firmware.document.image import CardImage

PORTRAIT_BYTES = many(80, 20_000)
pytestmark = pytest.mark.torture
ANOTHERS = ("card_foreign", "card_locked")
NO_CONTENT_YET = ("", "keys")  # stages of an attempt


MAKES_NO_FILE_TWICE = "iso7816-scp03"  # the kind of which there are such cards


@cache
def bench(kind: str, recreates: bool = True) -> Bench:
    return Bench(kind, PORTRAIT_BYTES, recreates, 1 if recreates else many(3, 1))


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest) -> Bench:
    """A card of each dialect, and all that can be durable while it is made."""
    return bench(request.param)


def test_every_tear_is_felt_and_the_same_box_goes_on_when_the_card_comes_back(made: Bench) -> None:
    """And leaves nothing that is not among the states of the tests below."""
    known, tried = {state.key for state in made.states}, set()
    for place in made.places():
        assert place.asked in ("hold_card_still", DARK), place.where
        key = place.durable.key
        assert key in known, place.where
        assert_no_live_card_without_its_record(place)
        if place.asked != DARK and key not in tried:
            tried.add(key)
            place.desk.reader.put(place.card)
            finish(place.desk, place.card, made, place.where)
    assert len(tried) > 20


def test_a_card_that_makes_no_file_twice_is_felt_and_finished_as_well() -> None:
    """Torn at every third APDU: what comes back is written over, wherever a file was left."""
    strict = bench(MAKES_NO_FILE_TWICE, recreates=False)
    test_every_tear_is_felt_and_the_same_box_goes_on_when_the_card_comes_back(strict)


def test_a_new_box_finishes_a_card_that_makes_no_file_twice() -> None:
    test_a_new_box_finishes_whatever_card_the_last_one_left(bench(MAKES_NO_FILE_TWICE, recreates=False))


def assert_no_live_card_without_its_record(place: Place) -> None:
    attempt = place.desk.journal.now
    assert not sod_bytes(place.card) or (attempt.issuing and attempt.sod), place.where


def finish(desk: Desk, card: VirtualCard, made: Bench, where: str = "") -> None:
    """The frozen bytes, the signature that was kept, asked for once at most."""
    kept = desk.journal.now.sod
    assert desk.asks(desk.issue) is None, where
    assert_live(desk, card)
    assert desk.journal.now.image == made.image, where
    assert kept in (None, desk.journal.now.sod), where
    assert len(made.granted) == 1, where
    assert desk.journal.now.sod == made.granted[RECORD, 1], where
    assert desk.journal.void == []


def test_a_new_box_finishes_whatever_card_the_last_one_left(made: Bench) -> None:
    for state in made.states:
        desk, card = made.desk(state)
        if state.report is None:
            finish(desk, card, made)
            assert len(desk.signer.requests) == (state.attempt.sod is None)
        else:
            assert_live(desk, card)


def test_a_card_that_never_comes_back_is_void_if_it_was_issuing(made: Bench) -> None:
    """Then another one is made, with chip keys of its own, and the lost one is never taken for it."""
    for state in unfinished(made):
        desk, gone = made.desk(state)
        desk.signer.granted = dict(made.granted)
        left = content(gone)
        desk.transaction.lost(RECORD, OFFICERS)
        if has_keys(gone):
            assert desk.asks(desk.issue) in ANOTHERS
        second = new_card(made.kind)
        desk.reader.put(second)
        desk.transaction.write(RECORD)
        desk.reader.put(gone)
        assert desk.asks(desk.issue) in ANOTHERS
        desk.reader.put(second)
        desk.issue()
        assert_live(desk, second)
        assert content(gone) == left
        assert_void(desk, state, gone)
        assert_other_keys(desk.image, CardImage.from_bytes(made.image))


def unfinished(made: Bench) -> list[Durable]:
    return [state for state in made.states if state.report is None]


def assert_void(desk: Desk, state: Durable, gone: VirtualCard) -> None:
    """Listed if a byte of its signature may have reached it; so nothing live is left without a record."""
    sod = state.attempt.sod
    listed = [hashlib.sha256(sod).hexdigest()] if state.attempt.issuing and sod else []
    assert desk.journal.void == listed
    assert listed or not sod_bytes(gone)
    assert desk.journal.report is not None
    assert desk.journal.report["sod_sha256"] not in listed


def assert_other_keys(new: CardImage, old: CardImage) -> None:
    """Chip keys are on one card only; what the person is opened with stays."""
    assert (new.keys.access, new.keys.can) == (old.keys.access, old.keys.can)
    assert old.keys.aa is None or new.keys.aa != old.keys.aa
    assert old.keys.ca is None or new.keys.ca != old.keys.ca


def test_no_card_a_foreign_one_or_another_blank_changes_nothing(made: Bench) -> None:
    for state in unfinished(made):
        desk, card = made.desk(state)
        desk.reader.lift()
        assert desk.asks(desk.issue) == "place_card"
        desk.reader.put(foreign_card())
        assert desk.asks(desk.issue) == "card_foreign"
        assert desk.journal.now == state.attempt
        other = new_card(made.kind)
        desk.reader.put(other)
        if state.attempt.stage.split(" ")[0] in NO_CONTENT_YET:
            assert_only_this_is_live(desk, other, card)
        else:
            assert desk.asks(desk.issue) == "card_foreign"
            assert not has_keys(other) and not content(other)
            assert desk.journal.now == state.attempt
            desk.reader.put(card)
            finish(desk, card, made)


def assert_only_this_is_live(desk: Desk, other: VirtualCard, card: VirtualCard) -> None:
    """Until a card holds content another blank may take its place; then it is the one."""
    desk.issue()
    assert_live(desk, other)
    assert not content(card) and not sod_bytes(card)
