"""One touch of the sensor, as PROVE and FINGERS want it: an empty glass, then the best of the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.worker import Stop
from firmware.app.desk import Desk, until
from firmware.app.visit import Learned, Seen
from firmware.quality.finger_capture import CaptureRules, Sample, capture_finger
from statemachine import events as ev

if TYPE_CHECKING:
    from drivers.api import FingerImage, FingerSensor
    from firmware.quality.best import Score
    from firmware.quality.finger import FingerQuality

SLICE_S = 0.25


def sample_finger(
    desk: Desk, sensor: FingerSensor, stop: Stop, entry: int, rules: CaptureRules
) -> Sample | Learned | None:
    """The next finger's sample; or the job's answer without one; None once the job is stopped.

    A glass that never was empty is no sign that nobody came: something lies there, or the sensor tells of
    nothing any more. Raises UserRetry.
    """
    wait = until(stop, desk.config.finger.wait_s, desk.clock)
    while not sensor.await_finger(False, SLICE_S):
        desk.show(Seen(entry, lift=True))
        if wait.over:
            return None if stop else Learned(ev.StepFailed("glass_not_empty"))
    desk.show(Seen(entry))
    while not sensor.await_finger(True, SLICE_S):
        if wait.over:
            return None if stop else Learned(ev.NobodyThere())

    def preview(image: FingerImage, quality: FingerQuality, best: Score | None) -> None:
        value = quality.score if best is None else best.value
        desk.show(Seen(entry, image.pixels, quality.hint or "", score=value, estimate=best is None))

    return capture_finger(sensor, preview, desk.scorer, until(stop, rules.capture_s, desk.clock), rules)
