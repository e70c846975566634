"""One sample of one finger: from a scripted sensor on a clock that only moves when told."""

from __future__ import annotations

import pytest
from support.fingers import Clock, ScriptedSensor, blank, ridges

from drivers.api import Deadline, FingerImage, Pixels
from drivers.errors import UserRetry
from firmware.quality.best import Measure
from firmware.quality.finger import FingerQuality, measure
from firmware.quality.finger_capture import CaptureRules, Nfiq2, Sample, capture_finger
from firmware.quality.nbis.client import ScoreFailed, ScorerLost
from firmware.quality.nbis.runtime import ScorerMissing

GOOD = ridges()
WEAK = ridges(size_px=80, grain=40)
SCORE = {id(pixels): measure(FingerImage(pixels)).score for pixels in (GOOD, WEAK)}
ANY_GOOD = CaptureRules(good=SCORE[id(GOOD)])


class Scorer:
    """Answers 62, or raises what it was given; keeps the pictures that it was asked about."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.asked: list[FingerImage] = []

    def nfiq2(self, image: FingerImage) -> int:
        self.asked.append(image)
        if self._error:
            raise self._error
        return 62


class Screen:
    def __init__(self) -> None:
        self.hints: list[str | None] = []

    def __call__(self, image: FingerImage, quality: FingerQuality) -> None:
        self.hints.append(quality.hint)


def capture(
    *frames: Pixels, scorer: Nfiq2 | None = None, comes_after_s: float = 0.0, rules: CaptureRules = ANY_GOOD
) -> tuple[Sample, ScriptedSensor, Screen, Clock]:
    clock, screen = Clock(), Screen()
    sensor = ScriptedSensor(clock, frames, comes_after_s)
    sample = capture_finger(sensor, screen, scorer, Deadline.after(20.0, clock), rules)
    return sample, sensor, screen, clock


def test_the_two_pictures_differ_enough_to_tell_best_from_rest() -> None:
    assert SCORE[id(GOOD)] > SCORE[id(WEAK)]


def test_a_good_finger_is_done_after_a_few_good_frames() -> None:
    sample, sensor, screen, _ = capture(GOOD)
    assert sensor.taken == ANY_GOOD.enough
    assert len(screen.hints) == sample.frames == ANY_GOOD.enough


def test_the_best_of_the_frames_is_the_one_that_is_kept_and_scored() -> None:
    scorer = Scorer()
    sample, *_ = capture(WEAK, WEAK, GOOD, WEAK, blank(), blank(), blank(), scorer=scorer)
    assert sample.image.pixels is GOOD
    assert scorer.asked == [sample.image]
    assert (sample.score.value, sample.score.measure) == (62, Measure.NFIQ2)


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


def test_a_scorer_that_cannot_be_loaded_is_no_scorer() -> None:
    sample, *_ = capture(GOOD, scorer=Scorer(ScorerMissing("no library")))
    assert sample.score.measure is Measure.ESTIMATE


@pytest.mark.parametrize("error", [ScoreFailed("too small"), ScorerLost("the child ended")])
def test_a_failed_or_crashed_computation_is_255_and_never_the_estimate(error: Exception) -> None:
    sample, *_ = capture(GOOD, scorer=Scorer(error))
    assert (sample.score.value, sample.score.code) == (None, 255)
    assert sample.score.measure is Measure.NFIQ2


def test_a_sliding_finger_is_told_to_hold_still_and_does_not_count_as_good() -> None:
    sliding = [ridges(right_px=12 * step) for step in (0, 1, 2, 3)]
    _, sensor, screen, _ = capture(*sliding, sliding[-1], rules=CaptureRules(good=1, enough=2))
    assert screen.hints[1:4] == ["hold_still"] * 3
    assert sensor.taken == 6
