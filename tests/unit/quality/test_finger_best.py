"""Best of n: each finger by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.rulepack import rule_packs
from firmware.quality.best import POSITIONS, FingerRules, Measure, Score, Verdict, below, decide, for_chip
from firmware.quality.match import Doubt, Finding, Known, Match, MatchRules, doubt, finger_to_prove, judge

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


LIKENESS = {b"thumb": 12, b"index": 85, b"middle": 41, b"alike": 25, b"own": 3, b"boss": 60}


def doubted(
    finger: str,
    taken: Mapping[str, bytes] = MappingProxyType({}),
    registry: Mapping[str, bytes] = MappingProxyType({}),
    officers: Mapping[str, Sequence[bytes]] = MappingProxyType({}),
    good: bool = True,
) -> Finding | None:
    known = Known(taken, registry, officers)
    return doubt(finger, b"new", known, lambda _, other: LIKENESS[other], MatchRules(), good)


def test_a_finger_given_twice_is_found_and_the_most_similar_is_named() -> None:
    taken = {"right_thumb": b"thumb", "right_index": b"index", "right_middle": b"middle"}
    assert doubted("right_ring", taken) == Finding(Doubt.TWICE, "right_ring", "right_index", 85)
    assert doubted("right_ring", {"right_thumb": b"thumb"}) is None
    assert doubted("right_ring") is None


def test_a_doubtful_likeness_is_a_doubt_too() -> None:
    found = doubted("right_ring", {"left_thumb": b"alike"})
    assert found is not None and judge(found.similarity, MatchRules()) is Match.UNSURE


def test_another_attempt_at_the_same_finger_is_no_second_finger() -> None:
    assert doubted("right_index", {"right_index": b"index"}) is None


def test_left_for_right_is_known_from_the_registry() -> None:
    found = doubted("right_index", registry={"left_index": b"index"})
    assert found == Finding(Doubt.SWAPPED, "right_index", "left_index", 85)


def test_another_persons_finger_is_unlike_the_registrys_if_it_is_clear_enough_to_say_so() -> None:
    registry = {"right_index": b"own"}
    assert doubted("right_index", registry=registry) == Finding(
        Doubt.STRANGER, "right_index", "right_index", 3
    )
    assert doubted("right_index", registry=registry, good=False) is None
    assert doubted("right_index", registry={"right_index": b"index"}) is None


def test_an_officers_finger_is_named_with_its_score() -> None:
    found = doubted("right_index", officers={"NV-1": (b"thumb", b"boss")})
    assert found == Finding(Doubt.OFFICER, "right_index", "NV-1", 60)


def test_the_finger_to_prove_by_is_the_first_of_the_rules_kinds() -> None:
    templates = {"right_thumb": b"", "left_index": b"", "right_ring": b""}
    assert finger_to_prove(templates, ("index", "thumb")) == "left_index"
    assert finger_to_prove(templates, ("thumb", "index")) == "right_thumb"
    assert finger_to_prove({"left_little": b""}, ("index",)) == "left_little"
    assert finger_to_prove({}, ("index",)) == ""


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ({"right_thumb": 90, "right_index": 40, "left_index": 31}, ("right_index", "left_index")),
        ({"right_thumb": 50, "right_index": 20, "left_thumb": 60}, ("right_thumb", "left_thumb")),
        ({"right_index": 12, "right_ring": 9}, ("right_index", None)),
        ({"left_middle": 19, "left_thumb": 28}, (None, "left_thumb")),
        ({}, (None, None)),
    ],
)
def test_the_chips_two_fingers_are_the_first_good_ones_of_each_hand(
    scores: dict[str, int], chosen: tuple[str | None, str | None]
) -> None:
    taken = {finger: Score(value, Measure.NFIQ2) for finger, value in scores.items()}
    assert for_chip(taken, RULES, ("index", "thumb", "middle", "ring")) == chosen
