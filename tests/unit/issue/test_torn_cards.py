"""A card may leave at any APDU, the box may lose power at any commit: what must hold all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.issue import (
    IMAGE,
    OFFICERS,
    RECORD,
    Desk,
    PowerCut,
    content,
    has_keys,
    locked,
    new_card,
    sod_bytes,
)

from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard
from firmware.document.lds import Fid
from firmware.issue.errors import IssueError

When = Literal["before", "after"]
COMMITS = ("stage", "keep_sod", "issuing", "complete")


@cache
def apdus_of_a_whole_card() -> int:
    desk = Desk()
    desk.reader.put(new_card())
    desk.issue()
    return desk.dialect.apdus


def tears() -> Iterator[tuple[int, When]]:
    for at in range(apdus_of_a_whole_card()):
        yield at, "before"
        yield at, "after"


def issue_until_done(desk: Desk, card: VirtualCard, lifts: int = 1) -> None:
    """Put the card back as often as it is lifted; what is asked for must be just that."""
    for _ in range(lifts + 1):
        desk.reader.put(card)
        reason = desk.asks(desk.issue)
        if reason is None:
            return
        assert reason == "hold_card_still"
        assert not sod_bytes(card) or desk.journal.now.issuing
    pytest.fail("never done")


def assert_live(desk: Desk, card: VirtualCard) -> None:
    assert locked(card)
    assert content(card) == {**IMAGE.files, Fid.SOD: desk.journal.now.sod}
    assert desk.journal.report is not None
    assert desk.journal.report["sod_sha256"] == hashlib.sha256(content(card)[Fid.SOD]).hexdigest()


def test_a_card_torn_at_any_apdu_is_finished_when_it_comes_back() -> None:
    for at, when in tears():
        desk, card = Desk(), new_card()
        desk.reader.put(card)
        card.tear(at, when)
        assert desk.asks(desk.issue) == "hold_card_still", (at, when)
        assert not sod_bytes(card) or desk.journal.now.issuing, (at, when)
        signed = desk.journal.now.sod
        if at % 3:
            desk.restart()
        issue_until_done(desk, card)
        assert_live(desk, card)
        assert signed in (None, desk.journal.now.sod), "a resume never signs again"
        assert len(desk.signer.requests) == 1, (at, when)


def test_a_card_torn_at_any_apdu_and_gone_for_good_is_void_if_it_was_issuing() -> None:
    for at, when in tears():
        desk, gone, second = Desk(), new_card(), new_card()
        desk.reader.put(gone)
        gone.tear(at, when)
        assert desk.asks(desk.issue) == "hold_card_still"
        was = desk.journal.now
        desk.transaction.lost(RECORD, OFFICERS)
        desk.reader.put(gone)
        assert desk.asks(desk.issue) in ("card_foreign", "card_locked", None)
        if desk.journal.report is None:
            desk.reader.put(second)
            desk.issue()
        voided = [hashlib.sha256(was.sod).hexdigest()] if was.issuing and was.sod else []
        assert desk.journal.void == voided, (at, when)
        if sod_bytes(gone) and content(gone)[Fid.SOD] != desk.journal.now.sod:
            assert voided, "a live card that is not this record's is on the list"


@pytest.mark.parametrize("commit", COMMITS)
def test_power_cut_before_any_commit_loses_nothing(commit: str) -> None:
    for nth in range(6):
        desk, card = Desk(), new_card()
        desk.reader.put(card)
        if not cut_at(desk, commit, nth):
            break
        assert not sod_bytes(card) or desk.journal.now.issuing
        desk.restart()
        issue_until_done(desk, card)
        assert_live(desk, card)
        assert len({r.attempt for r in desk.signer.requests}) == 1
        assert len(desk.signer.granted) == 1, "a repeated request gets the same signature"


def cut_at(desk: Desk, commit: str, nth: int) -> bool:
    """Issue until the power goes before the nth such commit; False if it never came to that."""
    left = nth
    say = desk.journal._say

    def count(number: int, *what: Any) -> None:
        nonlocal left
        if what[0] == commit:
            left -= 1
            if left < 0:
                raise PowerCut
        say(number, *what)

    desk.journal._say = count  # type: ignore[method-assign]
    try:
        with suppress(PowerCut):
            desk.issue()
    finally:
        desk.journal._say = say  # type: ignore[method-assign]
    return left < 0


def test_no_byte_of_the_sod_is_sent_before_issuing_is_committed() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    assert cut_at(desk, "issuing", 0)
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


# --- any story an officer, a citizen and a power line can tell with three cards ---


@dataclass
class World:
    """Knows what no kiosk knows: which card got bytes of which attempt's SOD."""

    desk: Desk = field(default_factory=Desk)
    cards: list[VirtualCard] = field(default_factory=lambda: [new_card() for _ in range(3)])
    live: dict[int, set[int]] = field(default_factory=dict)  # card → attempts whose SOD it got bytes of
    void: set[int] = field(default_factory=set)

    def play(self, card: int, tear_at: int | None, when: When, commit: str | None, restart: bool) -> None:
        if restart:
            self.desk.restart()
        before = [sod_bytes(each) for each in self.cards]
        self.desk.journal.dies_before = commit
        self.desk.reader.put(self.cards[card])
        self.cards[card].tear(10**6 if tear_at is None else tear_at, when)
        with suppress(UserRetry, IssueError, PowerCut):
            self.desk.issue()
        self.desk.journal.dies_before = None
        for i, each in enumerate(self.cards):
            if sod_bytes(each) != before[i]:
                self.live.setdefault(i, set()).add(self.desk.journal.now.number)

    def lose(self) -> None:
        if self.desk.journal.report is None:
            self.void.add(self.desk.journal.now.number)
            self.desk.transaction.lost(RECORD, OFFICERS)

    def check(self) -> None:
        unvoided = {card: attempts - self.void for card, attempts in self.live.items()}
        alive = [card for card, attempts in unvoided.items() if attempts]
        assert len(alive) <= 1, "two live cards of one record"
        assert not alive or self.desk.journal.now.issuing
        assert all(i in self.live for i, each in enumerate(self.cards) if locked(each))
        if self.desk.journal.report is not None:
            assert_live(self.desk, self.cards[alive[0]])


PLAYS = st.tuples(
    st.just("play"),
    st.integers(0, 2),
    st.none() | st.integers(0, 130),
    st.sampled_from(("before", "after")),
    st.none() | st.sampled_from(COMMITS),
    st.booleans(),
)
LOSSES = st.tuples(st.just("lose"))


@settings(max_examples=120, deadline=None)
@given(st.lists(PLAYS | PLAYS | PLAYS | LOSSES, max_size=9))
def test_at_most_one_card_of_a_record_is_live_and_not_void(story: list[tuple[Any, ...]]) -> None:
    world = World()
    for verb, *how in story:
        if world.desk.journal.report is not None:
            break
        getattr(world, verb)(*how)
        world.check()
    assert all(has_keys(card) for card in world.cards if content(card))
