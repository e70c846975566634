"""Best of n: each finger by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.rulepack import rule_packs
from firmware.quality.best import POSITIONS, FingerRules, Measure, Score, Verdict, below, decide
from firmware.quality.match import Match, MatchRules, given_before, judge

RULES = FingerRules.of(rule_packs()["7/2024"])


def nfiq2(*values: int | None) -> list[Score]:
    return [Score(value, Measure.NFIQ2) for value in values]


def test_the_thresholds_are_those_of_bsi_tr_03121() -> None:
    assert [RULES.least[position] for position in POSITIONS] == [30, 30, 20, 10, 10] * 2


def test_one_bad_finger_is_not_hidden_by_three_good_ones() -> None:
    scores = dict(zip(POSITIONS[1:5], nfiq2(5, 90, 90, 90), strict=True))
    assert below(scores, RULES) == ["right_index"]


def test_a_failed_computation_is_not_the_number_255() -> None:
    failed = Score(None, Measure.NFIQ2)
    assert failed.code == 255
    assert decide("right_thumb", [failed], RULES).verdict is Verdict.AGAIN
    assert below({"right_thumb": failed}, RULES) == ["right_thumb"]


def test_no_score_of_255_or_beyond_can_be_made() -> None:
    for value in (255, 101, -1):
        with pytest.raises(ValueError, match=r"0\.\.100"):
            Score(value, Measure.NFIQ2)


@pytest.mark.parametrize(
    ("position", "values", "verdict", "best"),
    [
        ("right_thumb", [30], Verdict.GOOD, 0),
        ("right_thumb", [29], Verdict.AGAIN, 0),
        ("right_thumb", [29, 12], Verdict.AGAIN, 0),
        ("right_thumb", [12, 29, 3], Verdict.BEST_BELOW, 1),
        ("right_thumb", [12, 3, 31], Verdict.GOOD, 2),
        ("left_middle", [20], Verdict.GOOD, 0),
        ("left_little", [10], Verdict.GOOD, 0),
        ("left_ring", [None, 9], Verdict.AGAIN, 1),
        ("left_ring", [None, None, None], Verdict.NONE_USABLE, None),
        ("left_ring", [None, None, 0], Verdict.BEST_BELOW, 2),
        ("left_ring", [], Verdict.AGAIN, None),
    ],
)
def test_the_best_of_all_attempts_decides(
    position: str, values: list[int | None], verdict: Verdict, best: int | None
) -> None:
    decision = decide(position, nfiq2(*values), RULES)
    assert (decision.verdict, decision.best) == (verdict, best)
    assert decision.settled == (verdict is not Verdict.AGAIN)


def test_a_measured_score_beats_an_equal_estimate() -> None:
    attempts = [Score(25, Measure.ESTIMATE), Score(25, Measure.NFIQ2)]
    assert decide("right_thumb", attempts, RULES).best == 1


@given(st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=3), st.sampled_from(POSITIONS))
def test_a_finger_is_good_only_if_one_attempt_reached_its_own_threshold(
    values: list[int | None], position: str
) -> None:
    reached = any(value is not None and value >= RULES.least[position] for value in values)
    assert (decide(position, nfiq2(*values), RULES).verdict is Verdict.GOOD) == reached


def test_rules_that_leave_a_finger_out_are_refused() -> None:
    with pytest.raises(ValueError, match="ten positions"):
        FingerRules(least={"right_thumb": 30}, attempts=3)
    with pytest.raises(ValueError, match="attempt"):
        FingerRules(RULES.least, attempts=0)


@pytest.mark.parametrize(
    ("similarity", "match"),
    [(0, Match.OTHER), (18, Match.OTHER), (19, Match.UNSURE), (39, Match.UNSURE), (40, Match.SAME)],
)
def test_forty_is_the_same_and_the_doubtful_are_asked_again(similarity: int, match: Match) -> None:
    assert judge(similarity, MatchRules()) is match


def test_a_finger_given_twice_is_found_and_named() -> None:
    likeness = {b"thumb": 12, b"index": 85, b"middle": 41}
    taken = {"right_thumb": b"thumb", "right_index": b"index", "right_middle": b"middle"}

    def compare(_: bytes, other: bytes) -> int:
        return likeness[other]

    assert given_before(b"new", taken, compare, MatchRules()) == "right_index"
    assert given_before(b"new", {"right_thumb": b"thumb"}, compare, MatchRules()) is None
    assert given_before(b"new", {}, compare, MatchRules()) is None
