"""The two lamps follow the camera: up while its gain is high, down when it is too bright, off at the end."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from drivers.api import Frame
from firmware.quality.portrait import PortraitCheck

Lamps = Callable[[float, float], None]

STEPS = 3  # software PWM under a rolling shutter makes bands: three steps, no dimming between
GAIN_MAX = 4.0
SETTLE_S = 0.35  # frames in flight plus the automatic exposure's own time


class LightLoop:
    """Holds the steps of both lamps; leaving the context puts them out whatever happened."""

    def __init__(self, lamps: Lamps) -> None:
        self._lamps = lamps
        self._left = self._right = 0
        self._changed_s = float("-inf")

    def __enter__(self) -> Self:
        self._lamps(0.0, 0.0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lamps(0.0, 0.0)

    def settling(self, at_s: float) -> bool:
        """True while frames may still show the light of before."""
        return at_s - self._changed_s < SETTLE_S

    def follow(self, frame: Frame, check: PortraitCheck) -> None:
        """Change the lamps by at most one step for this frame; a lamp at its end stays there."""
        if self.settling(frame.at_s):
            return
        left, right = self._wanted(frame.metadata.gain, check)
        wanted = (min(max(left, 0), STEPS), min(max(right, 0), STEPS))
        if wanted != (self._left, self._right):
            self._left, self._right = wanted
            self._changed_s = frame.at_s
            self._lamps(self._left / STEPS, self._right / STEPS)

    def _wanted(self, gain: float | None, check: PortraitCheck) -> tuple[int, int]:
        flags = check.flags
        dark = (gain is not None and gain > GAIN_MAX) or "under_exposed" in flags or "noise" in flags
        if dark or check.hint == "camera_dark":
            return self._left + 1, self._right + 1
        if "over_exposed" in flags:
            return self._left - 1, self._right - 1
        if "light_ratio" in flags:
            return self._evened(left_brighter=check.measures["light_ratio"] > 1)
        return self._left, self._right

    def _evened(self, left_brighter: bool) -> tuple[int, int]:
        """Raise the lamp on the dark side; when it gives no more, lower the other."""
        if left_brighter:
            if self._right < STEPS:
                return self._left, self._right + 1
            return self._left - 1, self._right
        if self._left < STEPS:
            return self._left + 1, self._right
        return self._left, self._right - 1
