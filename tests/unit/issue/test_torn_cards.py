"""Which card is it that comes back? Cards that open and are not the one (every tear: `test_tears`)."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Literal

import pytest
from support.issue import (
    OFFICERS,
    RECORD,
    Desk,
    FakeAttempt,
    FakeJournal,
    PowerCut,
    assert_live,
    content,
    has_keys,
    new_card,
    sod_bytes,
)
from support.people import CAPTURED, PERSON, jp2

from drivers.virtual.card import VirtualCard
from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.errors import SignerUnavailable

When = Literal["before", "after"]


@cache
def apdus_of_a_whole_card() -> int:
    desk = Desk()
    desk.reader.put(new_card())
    desk.issue()
    return desk.dialect.apdus


def test_no_byte_of_the_sod_is_sent_before_issuing_is_committed() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.journal.dies_before = "issuing"
    with pytest.raises(PowerCut):
        desk.issue()
    assert Fid.SOD not in content(card), "not even an empty file"


def test_the_same_bytes_are_written_again_after_each_of_many_lifts() -> None:
    desk, card = Desk(), new_card()
    written: list[bytes] = []
    for apdus in (20, 30, 35, 40, 42, 45, 30, 30, 1000):
        desk.reader.put(card)
        card.lift_after(apdus)
        desk.asks(desk.issue)
        card.lift_after(10**6)
        if desk.journal.now.sod:
            written.append(desk.journal.now.sod)
        if desk.journal.report is not None:
            break
    assert_live(desk, card)
    assert set(written) == {desk.journal.now.sod}


def torn_inside_the_sod(desk: Desk, card: VirtualCard) -> None:
    """Lay a new card on the reader and lift it once its first SOD block has landed."""
    for apdus in range(apdus_of_a_whole_card()):
        trial = Desk(journal=FakeJournal(desk.journal.now), signer=desk.signer)
        copy = new_card()
        trial.reader.put(copy)
        copy.tear(apdus, "after")
        trial.asks(trial.issue)
        if sod_bytes(copy):
            break
    desk.reader.put(card)
    card.tear(apdus, "after")
    assert desk.asks(desk.issue) == "hold_card_still"
    assert 0 < len(sod_bytes(card)) < len(content(card)[Fid.SOD])


def test_two_cards_torn_at_the_same_block_of_two_attempts_are_told_apart() -> None:
    desk, first, second = Desk(), new_card(), new_card()
    torn_inside_the_sod(desk, first)
    desk.transaction.lost(RECORD, OFFICERS)
    torn_inside_the_sod(desk, second)
    before = content(first)
    desk.reader.put(first)
    assert desk.asks(desk.issue) == "card_foreign"
    assert content(first) == before


def test_once_two_cards_may_have_the_keys_opening_is_no_proof() -> None:
    desk, first, second = Desk(), new_card(), new_card()
    desk.reader.put(first)
    for apdus in range(20):
        first = new_card()
        desk = Desk()
        desk.reader.put(first)
        first.tear(apdus, "after")
        desk.asks(desk.issue)
        if has_keys(first):
            break
    assert desk.journal.now.stage.startswith("keys apdus=")
    desk.reader.put(second)
    second.lift_after(20)
    assert desk.asks(desk.issue) == "hold_card_still"
    assert desk.journal.now.stage.startswith("files again")
    desk.reader.put(first)
    assert desk.asks(desk.issue) == "card_foreign"
    assert not content(first)


def test_an_earlier_records_card_with_a_sod_is_not_the_card_that_was_begun() -> None:
    earlier, old = Desk(), new_card()
    torn_inside_the_sod(earlier, old)
    before = content(old)
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    card.lift_after(20)
    assert desk.asks(desk.issue) == "hold_card_still"
    desk.reader.put(old)
    assert desk.asks(desk.issue) == "card_foreign"
    assert content(old) == before


def desk_for(picture: bytes) -> Desk:
    image = CardImage.of(PERSON, jp2(body=picture * 100), CAPTURED)
    return Desk(journal=FakeJournal(FakeAttempt(image=image.to_bytes())))


def test_a_card_with_another_portrait_is_not_the_card_that_was_begun() -> None:
    earlier, desk = desk_for(b"another picture"), desk_for(b"a picture")
    old, card = new_card(), new_card()
    earlier.reader.put(old)
    earlier.signer.fails.append(SignerUnavailable("centre"))
    with suppress(SignerUnavailable):
        earlier.issue()
    before = content(old)
    desk.reader.put(card)
    card.lift_after(20)
    assert desk.asks(desk.issue) == "hold_card_still"
    desk.reader.put(old)
    assert desk.asks(desk.issue) == "card_foreign"
    assert content(old) == before


def test_a_card_torn_before_its_keys_and_again_later_needs_an_officer() -> None:
    """The price of never having two live cards where a chip has no serial: it is asked for, not guessed."""
    desk, card, second = Desk(), new_card(), new_card()
    for apdus in range(20):
        desk.reader.put(card)
        card.lift_after(apdus)
        desk.asks(desk.issue)
        if desk.journal.now.stage:
            break
    assert not has_keys(card)
    desk.reader.put(card)
    card.lift_after(20)
    assert desk.asks(desk.issue) == "hold_card_still"
    desk.reader.put(card)
    assert desk.asks(desk.issue) == "card_foreign"
    desk.transaction.lost(RECORD, OFFICERS)
    desk.reader.put(second)
    desk.issue()
    assert_live(desk, second)
    assert desk.journal.void == [], "it never came to a SOD"
