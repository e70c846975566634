"""One sample of one finger: from a scripted sensor on a clock that only moves when told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import pytest
from support.fingers import Clock, ScriptedSensor, blank, ridges

from drivers.api import Deadline, FingerImage, Pixels
from drivers.errors import UserRetry
from firmware.quality.best import Measure, Score
from firmware.quality.finger import FingerQuality, measure
from firmware.quality.finger_capture import CaptureRules, Nfiq2, Sample, capture_finger
from firmware.quality.hint import SteadyHint
from firmware.quality.nbis.client import ScoreFailed, ScorerError, ScorerLost

T = TypeVar("T")
GOOD = ridges()
WEAK = ridges(size_px=80, grain=40)
SCORE = {id(pixels): measure(FingerImage(pixels)).score for pixels in (GOOD, WEAK)}
ANY_GOOD = CaptureRules(good=SCORE[id(GOOD)])


class Scorer:
    """Answers 62, or what is said of a picture, or raises; keeps the pictures that it was asked about."""

    def __init__(
        self, error: Exception | None = None, says: dict[int, int | Exception] | None = None
    ) -> None:
        self._error = error
        self._says = says or {}
        self.asked: list[FingerImage] = []

    def nfiq2(self, image: FingerImage) -> int:
        self.asked.append(image)
        answer = self._error or self._says.get(id(image.pixels), 62)
        if isinstance(answer, Exception):
            raise answer
        return answer


class AtOnce(Executor):
    """Does what it is asked before it returns: NFIQ 2 that takes no time."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except ScorerError as exc:
            done.set_exception(exc)
        return done


class Screen:
    def __init__(self) -> None:
        self.hints: list[str | None] = []
        self.scores: list[int | None] = []

    def __call__(self, image: FingerImage, quality: FingerQuality, best: Score | None) -> None:
        self.hints.append(quality.hint)
        self.scores.append(best.value if best else None)


def capture(
    *frames: Pixels, scorer: Nfiq2 | None = None, comes_after_s: float = 0.0, rules: CaptureRules = ANY_GOOD
) -> tuple[Sample, ScriptedSensor, Screen, Clock]:
    clock, screen = Clock(), Screen()
    sensor = ScriptedSensor(clock, frames, comes_after_s)
    sample = capture_finger(sensor, screen, scorer, Deadline.after(20.0, clock), rules, AtOnce())
    return sample, sensor, screen, clock


def test_the_two_pictures_differ_enough_to_tell_best_from_rest() -> None:
    assert SCORE[id(GOOD)] > SCORE[id(WEAK)]


def test_a_good_finger_is_done_after_a_few_good_frames() -> None:
    sample, sensor, screen, _ = capture(GOOD)
    assert sensor.taken == ANY_GOOD.enough
    assert len(screen.hints) == sample.frames == ANY_GOOD.enough


def test_the_best_of_the_frames_is_scored_while_the_finger_still_lies() -> None:
    scorer = Scorer(says={id(WEAK): 20})
    sample, _, screen, _ = capture(WEAK, WEAK, GOOD, WEAK, blank(), blank(), blank(), scorer=scorer)
    assert sample.image.pixels is GOOD
    assert [image.pixels is GOOD for image in scorer.asked] == [False, True], "each but once"
    assert screen.scores[-1] == 62, "known before the finger was lifted"
    assert (sample.score.value, sample.score.measure) == (62, Measure.NFIQ2)


def test_the_frame_with_the_highest_nfiq2_is_kept_whatever_the_estimate_said() -> None:
    scorer = Scorer(says={id(WEAK): 71, id(GOOD): 33})
    sample, *_ = capture(WEAK, GOOD, blank(), scorer=scorer)
    assert sample.image.pixels is WEAK
    assert sample.score.value == 71


def test_a_finger_that_nfiq2_calls_good_is_done_whatever_the_estimate_says() -> None:
    rules = CaptureRules(good=100, least=30)
    _, sensor, *_ = capture(WEAK, scorer=Scorer(), rules=rules)
    assert sensor.taken <= rules.enough + 1


def test_once_a_good_finger_gets_worse_the_best_seen_is_taken() -> None:
    rules = CaptureRules(good=SCORE[id(GOOD)], worse=SCORE[id(GOOD)] - SCORE[id(WEAK)] - 1, enough=9)
    sample, sensor, *_ = capture(WEAK, GOOD, GOOD, WEAK, rules=rules)
    assert sample.image.pixels is GOOD
    assert sensor.taken == 3 + rules.falling


def test_a_scorer_that_dies_of_one_frame_is_asked_no_more_in_this_touch() -> None:
    scorer = Scorer(says={id(WEAK): ScorerLost("the child ended")})
    sample, *_ = capture(WEAK, GOOD, blank(), scorer=scorer)
    assert len(scorer.asked) == 1
    assert sample.score.value is None


def test_a_frame_that_nfiq2_refuses_does_not_speak_for_a_better_one() -> None:
    scorer = Scorer(says={id(WEAK): ScoreFailed("too small")})
    sample, *_ = capture(WEAK, GOOD, blank(), scorer=scorer)
    assert sample.image.pixels is GOOD
    assert sample.score.value == 62


def test_a_lifted_finger_ends_the_attempt_with_the_best_seen() -> None:
    sample, sensor, _, _ = capture(WEAK, GOOD, blank())
    assert sample.image.pixels is GOOD
    assert sensor.taken == 2 + ANY_GOOD.empty


def test_one_empty_frame_as_after_a_sensors_death_ends_nothing() -> None:
    sample, *_ = capture(blank(), GOOD, blank(), WEAK, GOOD)
    assert sample.frames >= ANY_GOOD.enough


def test_a_finger_that_never_gets_good_is_taken_after_five_seconds() -> None:
    sample, _, _, clock = capture(WEAK, rules=CaptureRules(good=100))
    assert sample.image.pixels is WEAK
    assert clock() - 100.0 == pytest.approx(5.0, abs=0.2)


def test_no_finger_in_time_is_said_so() -> None:
    with pytest.raises(UserRetry, match="no_finger"):
        capture(GOOD, comes_after_s=20.5)


def test_a_finger_that_comes_late_still_has_its_five_seconds() -> None:
    sample, *_ = capture(GOOD, comes_after_s=19.9)
    assert sample.frames == ANY_GOOD.enough


def test_frames_without_a_finger_are_blank_and_reach_no_screen() -> None:
    clock, screen = Clock(), Screen()
    with pytest.raises(UserRetry, match="blank"):
        capture_finger(ScriptedSensor(clock, [blank()]), screen, None, Deadline.after(20.0, clock))
    assert screen.hints == []


def test_without_a_scorer_the_score_is_the_estimate_and_says_so() -> None:
    sample, *_ = capture(GOOD)
    assert sample.score.measure is Measure.ESTIMATE
    assert sample.score.value == sample.quality.score


@pytest.mark.parametrize("error", [ScoreFailed("too small"), ScorerLost("the child ended")])
def test_a_failed_or_crashed_computation_is_255_and_never_the_estimate(error: Exception) -> None:
    sample, *_ = capture(GOOD, scorer=Scorer(error))
    assert (sample.score.value, sample.score.code) == (None, 255)
    assert sample.score.measure is Measure.NFIQ2


def test_a_sliding_finger_is_told_to_hold_still_and_does_not_count_as_good() -> None:
    sliding = [ridges(right_px=12 * step) for step in range(7)]
    rules = CaptureRules(good=1, enough=2, worse=100)
    _, sensor, screen, _ = capture(*sliding, sliding[-1], rules=rules)
    assert screen.hints[-4:-2] == ["hold_still"] * 2
    assert sensor.taken == len(sliding) + rules.enough


def test_a_hint_stands_still_for_400_ms_and_what_flickers_is_not_shown() -> None:
    steady = SteadyHint()
    frames = ["moisten", "moisten", "dry", "moisten", "moisten", "moisten", "moisten", "dry", "moisten", None]
    shown = [steady.say(hint, 0.14 * number) for number, hint in enumerate(frames)]
    assert shown == [None] * 6 + ["moisten"] * 4


def test_a_hint_that_is_no_longer_needed_goes() -> None:
    steady = SteadyHint(hold_s=0.4)
    assert [steady.say("dry", at) for at in (0.0, 0.2, 0.4)] == [None, None, "dry"]
    assert [steady.say(None, at) for at in (0.5, 0.8, 0.9)] == ["dry", "dry", None]
