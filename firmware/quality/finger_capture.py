"""Take one sample of one finger: wait for it, score its best frames while it lies, keep the best of all.

Runs on the sensor's worker thread. BSI TR-03121-3: an image within 5 s, its assessment within 300 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from drivers.api import Deadline, FingerImage, FingerSensor
from drivers.errors import UserRetry
from firmware.quality.best import Score
from firmware.quality.finger import FingerQuality, NotAFinger, measure, shift_mm
from firmware.quality.finger_scores import Candidate, Scoring
from firmware.quality.hint import SteadyHint

Preview = Callable[[FingerImage, FingerQuality, Score | None], None]


class Nfiq2(Protocol):
    def nfiq2(self, image: FingerImage) -> int: ...


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """When a touch has given what it can.

    `enough` good frames in a row, or, after a good one, `falling` frames that are worse by `worse`; `empty`
    frames in a row are a lifted finger; and `capture_s` is the most. Good is an estimate of `good`, and any
    finger of which NFIQ 2 has said `least`.
    """

    capture_s: float = 5.0
    frame_s: float = 2.0
    least: int = 30
    good: int = 40  # of the estimate; a finger below it may still be good by NFIQ 2
    enough: int = 4
    falling: int = 2
    worse: int = 10
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
    beside: Executor | None = None,
) -> Sample:
    """Return the best sample of the finger that comes before `wait` is over.

    `preview` gets each frame that shows a finger, with its measure, a hint that holds still for 400 ms and
    the best score so far. NFIQ 2 runs on `beside` (None: a thread of its own) while frames go on.
    Raises UserRetry("no_finger") when no finger comes, and when no frame shows one UserRetry with what was
    there instead (blank, covered, no_ridges, one_finger); and whatever the sensor raises.
    Without a scorer the score is the estimate and says so; a picture that NFIQ 2 refuses, or that its process
    dies of, has a score without a value (code 255): it costs this attempt only.
    """
    if not sensor.await_finger(True, wait.left_s):
        raise UserRetry("no_finger")
    rules = rules or CaptureRules()
    with ExitStack() as stack:
        beside = beside or stack.enter_context(ThreadPoolExecutor(1, "nfiq2"))
        touch = _Touch(rules, Scoring(scorer, beside), Deadline.after(rules.capture_s, wait.clock))
        while not touch.over:
            touch.see(sensor.frame(rules.frame_s), preview)
        return touch.sample()


class _Touch:
    """One touch, frame by frame."""

    def __init__(self, rules: CaptureRules, scoring: Scoring, deadline: Deadline) -> None:
        self._rules, self._scoring, self._deadline = rules, scoring, deadline
        self._hint = SteadyHint()
        self._best: Candidate | None = None
        self._before: FingerImage | None = None
        self._nothing = "blank"
        self._frames = self._good = self._falling = self._empty = 0

    @property
    def over(self) -> bool:
        rules = self._rules
        return (
            self._deadline.over
            or self._good >= rules.enough
            or self._falling >= rules.falling
            or self._empty >= rules.empty
        )

    def see(self, image: FingerImage, preview: Preview) -> None:
        """Measure one frame, show it, and have it scored when it is the best by far."""
        try:
            quality = measure(image)
        except NotAFinger as nothing:
            self._empty, self._good, self._before = self._empty + 1, 0, None
            if nothing.reason != "blank":
                self._nothing = nothing.reason
            return
        moving = self._before is not None and shift_mm(self._before, image) > self._rules.still_mm
        if moving:
            quality = replace(quality, hint="hold_still", cause="hold_still")
        self._frames, self._empty, self._before = self._frames + 1, 0, image
        if self._best is None or quality.score > self._best.quality.score:
            self._best = Candidate(image, quality)
        self._scoring.offer(self._best)
        self._count(quality, moving, self._best)
        shown = replace(quality, hint=self._hint.say(quality.hint, self._deadline.clock()))
        preview(image, shown, self._scoring.best)

    def sample(self) -> Sample:
        """The frame with the highest score of all. Raises UserRetry where no frame showed a finger."""
        if self._best is None:
            raise UserRetry(self._nothing)
        chosen, score = self._scoring.decide(self._best)
        return Sample(chosen.image, chosen.quality, score, self._frames)

    def _count(self, quality: FingerQuality, moving: bool, best: Candidate) -> None:
        rules, scored = self._rules, self._scoring.best
        proven = scored is not None and scored.value is not None and scored.value >= rules.least
        good = not moving and (quality.score >= rules.good or proven)
        fallen = quality.score < best.quality.score - rules.worse
        had_good = best.quality.score >= rules.good or proven
        self._good = self._good + 1 if good and not fallen else 0
        self._falling = self._falling + 1 if fallen and had_good else 0
