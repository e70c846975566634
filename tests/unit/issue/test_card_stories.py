"""Any story that an officer, a citizen and a power line can tell with three cards."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dialects import NAMES
from support.issue import (
    COMMITS,
    OFFICERS,
    RECORD,
    Desk,
    PowerCut,
    assert_live,
    content,
    desk_of,
    has_keys,
    locked,
    new_card,
    sod_bytes,
)
from support.torture import many

from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard
from firmware.issue.errors import IssueError

When = Literal["before", "after"]


@dataclass
class World:
    """Knows what no kiosk knows: which card got bytes of which attempt's SOD."""

    kind: str
    desk: Desk = field(init=False)
    cards: list[VirtualCard] = field(init=False)
    live: dict[int, set[int]] = field(default_factory=dict)  # card → attempts whose SOD it got bytes of
    void: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.desk = desk_of(self.kind)
        self.cards = [new_card(self.kind) for _ in range(3)]

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
    st.none() | st.integers(0, 190),
    st.sampled_from(("before", "after")),
    st.none() | st.sampled_from(COMMITS),
    st.booleans(),
)
LOSSES = st.tuples(st.just("lose"))


@pytest.mark.torture
@pytest.mark.parametrize("kind", NAMES)
@settings(max_examples=many(50, 1000), deadline=None)
@given(story=st.lists(PLAYS | PLAYS | PLAYS | LOSSES, max_size=9))
def test_at_most_one_card_of_a_record_is_live_and_not_void(kind: str, story: list[tuple[Any, ...]]) -> None:
    world = World(kind)
    for verb, *how in story:
        if world.desk.journal.report is not None:
            break
        getattr(world, verb)(*how)
        world.check()
    assert all(has_keys(card) for card in world.cards if content(card))
