"""No faster than allowed, never for ever, and again at a moment that no other box shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bad_line import Clock

from firmware.uplink.errors import CentreUnreachable, Stopped
from firmware.uplink.pace import PORTION_BYTES, Pace, Retry, backoff_s
from firmware.uplink.tus import LARGEST, SMALLEST, ChunkSize


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_between_nothing_and_the_ceiling(tries: int, chance: float) -> None:
    assert 0 <= backoff_s(tries, lambda: chance) <= 300


def test_the_ceiling_doubles_until_its_cap() -> None:
    ceilings = [backoff_s(tries, lambda: 1.0) for tries in range(1, 11)]
    assert ceilings == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_the_jitter_is_full() -> None:
    assert backoff_s(5, lambda: 0.0) == 0
    assert backoff_s(5, lambda: 0.5) == 16


def test_a_try_that_moved_something_is_followed_by_a_short_wait() -> None:
    retry = Retry(lambda: 1.0, 300)
    assert [retry.failed(), retry.failed(), retry.failed(moved=True), retry.failed()] == [2, 4, 2, 4]
    retry.went_well()
    assert retry.failed() == 2


@given(st.integers(8, 100_000), st.lists(st.integers(1, 300_000), min_size=1, max_size=5))
def test_the_cap_holds_over_any_chunks(most_kbit_s: int, sizes: list[int]) -> None:
    clock = Clock()
    pace = Pace(most_kbit_s, clock.wait, clock)
    for size in sizes:
        assert b"".join(pace.portions(bytes(size))) == bytes(size)
    in_hand = min(PORTION_BYTES, max(sizes))  # the last portion's time is not over yet
    assert (sum(sizes) - in_hand) * 8 <= most_kbit_s * 1000 * clock.s + 8


def test_what_was_not_sent_in_time_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(128, clock.wait, clock)
    clock.wait(3600)
    began = clock.s
    list(pace.portions(bytes(10 * PORTION_BYTES)))
    assert clock.s - began > 9


def test_a_line_that_carries_next_to_nothing_is_given_up() -> None:
    clock = Clock()
    sending = Pace(0, clock.wait, clock).portions(bytes(4 * PORTION_BYTES))
    next(sending)
    clock.wait(60)
    with pytest.raises(CentreUnreachable):
        next(sending)


def test_a_stop_ends_it_between_two_portions() -> None:
    asked = iter([False, True])
    sending = Pace(0, lambda _: next(asked)).portions(bytes(2 * PORTION_BYTES))
    next(sending)
    with pytest.raises(Stopped):
        next(sending)


@given(st.lists(st.tuples(st.integers(0, 50_000_000), st.booleans()), max_size=30))
def test_chunks_stay_in_bounds_whatever_the_line_does(story: list[tuple[int, bool]]) -> None:
    chunk = ChunkSize()
    for carried, cut in story:
        chunk.carried(carried)
        if cut:
            chunk.cut()
        assert SMALLEST <= chunk.best <= LARGEST


def test_a_line_that_is_often_cut_gets_small_chunks_and_a_good_one_large_ones() -> None:
    bad, good = ChunkSize(), ChunkSize()
    for _ in range(10):
        bad.carried(500_000)
        bad.cut()
    good.carried(1_000_000_000)
    assert bad.best <= 32 << 10
    assert good.best >= 512 << 10
