"""Take one sample of one finger: wait for it, keep the best of its frames, score that one.

Runs on the sensor's worker thread. BSI TR-03121-3: an image within 5 s, its assessment within 300 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from drivers.api import Deadline, FingerImage, FingerSensor
from drivers.errors import UserRetry
from firmware.quality.best import Measure, Score
from firmware.quality.finger import FingerQuality, NotAFinger, measure, shift_mm
from firmware.quality.nbis.client import ScoreFailed, ScorerLost
from firmware.quality.nbis.runtime import ScorerMissing

Preview = Callable[[FingerImage, FingerQuality], None]


class Nfiq2(Protocol):
    def nfiq2(self, image: FingerImage) -> int: ...


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """`enough` good frames in a row end the capture early; `empty` frames in a row mean a lifted finger."""

    capture_s: float = 5.0
    frame_s: float = 2.0
    good: int = 40  # of the estimate; a finger below it may still be good by NFIQ 2
    enough: int = 4
    empty: int = 3
    still_mm: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The best frame of one attempt with its preview measure and its final score."""

    image: FingerImage
    quality: FingerQuality
    score: Score
    frames: int


def capture_finger(
    sensor: FingerSensor,
    preview: Preview,
    scorer: Nfiq2 | None,
    wait: Deadline,
    rules: CaptureRules | None = None,
) -> Sample:
    """Return the best sample of the finger that comes before `wait` is over.

    `preview` gets each frame that shows a finger, with its measure and hint. Raises UserRetry("no_finger")
    when none comes and UserRetry("blank") when no frame shows one, and whatever the sensor raises.
    Without a scorer the score is the estimate and says so; a picture that NFIQ 2 refuses, or that its process
    dies of, has a score without a value (code 255) and so costs this attempt only.
    """
    if not sensor.await_finger(True, wait.left_s):
        raise UserRetry("no_finger")
    rules = rules or CaptureRules()
    best, frames = _best_frame(sensor, preview, rules, Deadline.after(rules.capture_s, wait.clock))
    if best is None:
        raise UserRetry("blank")
    image, quality = best
    return Sample(image, quality, final_score(image, quality, scorer), frames)


def final_score(image: FingerImage, quality: FingerQuality, scorer: Nfiq2 | None) -> Score:
    """NFIQ 2 where there is a scorer, otherwise the estimate, labelled."""
    if scorer is None:
        return Score(quality.score, Measure.ESTIMATE)
    try:
        return Score(scorer.nfiq2(image), Measure.NFIQ2)
    except (ScoreFailed, ScorerLost):
        return Score(None, Measure.NFIQ2)
    except ScorerMissing:
        return Score(quality.score, Measure.ESTIMATE)


def _best_frame(
    sensor: FingerSensor, preview: Preview, rules: CaptureRules, deadline: Deadline
) -> tuple[tuple[FingerImage, FingerQuality] | None, int]:
    """The frame with the highest estimate, and how many frames showed a finger."""
    best: tuple[FingerImage, FingerQuality] | None = None
    before: FingerImage | None = None
    frames = good = empty = 0
    while not deadline.over and good < rules.enough and empty < rules.empty:
        image = sensor.frame(rules.frame_s)
        try:
            quality = measure(image)
        except NotAFinger:
            empty, good, before = empty + 1, 0, None
            continue
        moving = before is not None and shift_mm(before, image) > rules.still_mm
        if moving:
            quality = replace(quality, hint="hold_still", cause="hold_still")
        frames, empty, before = frames + 1, 0, image
        preview(image, quality)
        good = good + 1 if quality.score >= rules.good and not moving else 0
        if best is None or quality.score > best[1].score:
            best = image, quality
    return best, frames
