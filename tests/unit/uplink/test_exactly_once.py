"""Whatever the line does: the centre holds each finished record exactly once, and nothing unfinished."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.bad_line import BAD, Fate
from support.campaign import Campaign, campaign, good, in_turn

SEEDS = range(8)
CITIZENS = 6
REQUESTS = 5
"""Of one record: create, three chunks, deliver."""
STEPS = 8
DAY_S = 86400.0
fates = st.lists(st.sampled_from(Fate), max_size=12)


def badly(random: Random, share: float) -> Fate:
    return random.choice(BAD) if random.random() < share else Fate.GOOD


@pytest.mark.parametrize("seed", SEEDS)
def test_over_a_bad_line_each_record_arrives_once(seed: int) -> None:
    random = Random(seed)  # noqa: S311  a story, not a secret
    with campaign(seed, lambda: badly(random, 0.4)) as c:
        for _ in range(CITIZENS):
            c.citizen()
            if random.random() < 0.3:
                c.hasten()
            for _ in range(random.randrange(3)):
                c.walk()
                c.nothing_unfinished_is_there()
        c.walk_until_empty()
        c.all_are_there_once()


@pytest.mark.parametrize("fate", BAD)
def test_one_mishap_at_any_request_of_a_record(fate: Fate) -> None:
    with campaign(1) as c:
        for request in range(REQUESTS):
            c.line.draw = in_turn(*[Fate.GOOD] * request, fate)
            c.citizen()
            c.walk_until_empty()
        assert fate in c.line.met
        c.all_are_there_once()


@pytest.mark.parametrize("request_", range(REQUESTS))
def test_the_centre_dies_before_each_durable_act_of_each_request(request_: int) -> None:
    with campaign(2) as c:
        for c.line.dies_at in range(STEPS):
            c.line.draw = in_turn(*[Fate.GOOD] * request_, Fate.CENTRE_KILLED)
            c.citizen()
            c.walk_until_empty()
        assert c.centre.kills > 0
        c.all_are_there_once()


def test_after_three_days_without_a_line_all_is_there_soon() -> None:
    with campaign(3) as c:
        c.line.draw = lambda: Fate.LOST if c.clock() < 3 * DAY_S else Fate.GOOD
        for _ in range(10):
            c.citizen()
        c.walk_until_empty()
        assert 3 * DAY_S < c.clock() < 3 * DAY_S + 300 + 10
        c.all_are_there_once()


def test_a_flapping_line_is_tried_again_soon_after_each_gap() -> None:
    """Every seventh request fails: each try moves something, so no pause grows."""
    with campaign(4) as c:
        count = iter(range(1 << 30))
        c.line.draw = lambda: Fate.CUT if next(count) % 7 == 6 else Fate.GOOD
        for _ in range(10):
            c.citizen()
        c.walk_until_empty()
        assert c.clock() < 60
        c.all_are_there_once()


def test_an_urgent_record_overtakes_and_nothing_is_held_for_it() -> None:
    with campaign(5) as c:
        for _ in range(3):
            c.citizen()
        c.hasten()
        last = c.completed[-1]
        c.line.draw = in_turn(*[Fate.GOOD] * REQUESTS, Fate.LOST)
        c.walk()
        assert set(c.at_the_centre()) == {last}
        c.walk_until_empty()
        c.all_are_there_once()


def test_the_cap_of_the_line_holds_over_all_records() -> None:
    with campaign(6, most_kbit_s=800) as c:
        for _ in range(4):
            c.citizen()
        c.walk_until_empty()
        assert c.line.sent * 8 / 800_000 == pytest.approx(c.clock(), rel=0.1)
        c.all_are_there_once()


class AnyOrder(RuleBasedStateMachine):
    """Citizens come, power and clocks fail, and requests meet any fate, in any order."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.story = campaign(seed)
        self.c: Campaign = self.story.__enter__()

    @rule()
    def a_citizen_is_done(self) -> None:
        self.c.citizen()

    @rule(met=fates)
    def the_courier_walks(self, met: list[Fate]) -> None:
        self.c.line.draw = in_turn(*met)
        self.c.walk()

    @rule()
    def somebody_is_in_a_hurry(self) -> None:
        self.c.hasten()

    @rule()
    def the_box_loses_power(self) -> None:
        self.c.power_cut()

    @rule(hours=st.integers(-48, 48))
    def the_clock_jumps(self, hours: int) -> None:
        self.c.wall.pass_time(hours=hours)

    @invariant()
    def only_finished_records_are_there(self) -> None:
        if hasattr(self, "c"):
            self.c.nothing_unfinished_is_there()

    def teardown(self) -> None:
        if hasattr(self, "c"):
            self.c.line.draw = good
            self.c.walk_until_empty()
            self.c.all_are_there_once()
            self.story.__exit__(None, None, None)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=10, stateful_step_count=12, deadline=None)
