"""Lamps and exposure follow the face: up while gain is high, down when it is too bright, off at the end.

Lamps first: light costs nothing, gain costs detail. Only what they cannot mend is mended by exposure: a face
that the camera's own metering leaves too bright beside a dark wall, or too dark before a window.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from drivers.api import Camera, CameraControls, Frame
from firmware.quality.portrait import PortraitCheck

Lamps = Callable[[float, float], None]

STEPS: Final = 3  # software PWM under a rolling shutter makes bands: three steps, no dimming between
GAIN_MAX = 4.0
GAIN_LAST = 8.0  # by hand no further: noise
EXPOSURE_MAX_US = 20_000
SETTLE_S = 0.35  # frames in flight plus the automatic exposure's own time
DARKER, BRIGHTER = 0.7, 1.4
BRIGHT_FACE = 0.4  # mean luminance; only to tell an over-exposed eye from a reflection
LIGHT_FLAGS = frozenset({"backlight", "under_exposed", "over_exposed", "light_ratio", "colour_cast", "noise"})
DARK_FLAGS = frozenset({"backlight", "under_exposed", "colour_cast", "noise"})


class LightLoop:
    """Holds both lamps' steps and the exposure; leaving the context puts the lamps out whatever happened."""

    def __init__(self, lamps: Lamps, camera: Camera) -> None:
        self._lamps, self._camera = lamps, camera
        self._left = self._right = 0
        self._by_hand = False
        self._ended = False
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

    @property
    def at_its_end(self) -> bool:
        """True while something about the light is wrong and neither lamps nor exposure give more."""
        return self._ended

    def settling(self, at_s: float) -> bool:
        """True while frames may still show the light of before."""
        return at_s - self._changed_s < SETTLE_S

    def follow(self, frame: Frame, check: PortraitCheck) -> None:
        """Change lamps by at most one step for this frame, or, where they give no more, the exposure."""
        if self.settling(frame.at_s):
            return
        self._ended = False
        high = (frame.metadata.gain or 0.0) > GAIN_MAX
        if self._bright(check):
            changed = (not high and self._lamp_by(-1)) or self._expose(frame, DARKER, check)
        elif self._dark(high, check):
            changed = self._lamp_by(1) or self._expose(frame, BRIGHTER, check)
        elif "light_ratio" in check.flags:
            changed = self._even(left_brighter=check.measures["light_ratio"] > 1)
        else:
            return
        if changed:
            self._changed_s = frame.at_s
        self._ended = not changed and bool(LIGHT_FLAGS & set(check.flags))

    def lock(self, frame: Frame) -> None:
        """Keep exposure and white balance as they are in this frame, as far as the camera obeys."""
        obeyed = self._camera.controls()
        told = frame.metadata
        self._camera.set_controls(
            CameraControls(
                exposure_us=told.exposure_us if "exposure_us" in obeyed else None,
                gain=told.gain if "gain" in obeyed else None,
                white_balance_locked="white_balance_locked" in obeyed,
            )
        )

    def unlock(self) -> None:
        """Give exposure and white balance back to the camera."""
        self._by_hand = False
        self._camera.set_controls(CameraControls())

    def _bright(self, check: PortraitCheck) -> bool:
        """Over-exposed, or nearly so that the whites of the eyes are."""
        nearly = "eye_glare" in check.flags and check.measures["luminance_mean"] > BRIGHT_FACE
        return nearly or "over_exposed" in check.flags

    def _dark(self, high_gain: bool, check: PortraitCheck) -> bool:
        """By hand a high gain is what the face needs; by the camera's metering it asks for lamps."""
        more = high_gain and not self._by_hand and (self._left, self._right) != (STEPS, STEPS)
        return more or check.hint == "camera_dark" or bool(DARK_FLAGS & set(check.flags))

    def _lamp_by(self, steps: int) -> bool:
        return self._set(self._left + steps, self._right + steps)

    def _even(self, left_brighter: bool) -> bool:
        """Raise the lamp on the dark side; when it gives no more, lower the other."""
        if left_brighter:
            return self._set(self._left, self._right + 1) or self._set(self._left - 1, self._right)
        return self._set(self._left + 1, self._right) or self._set(self._left, self._right - 1)

    def _set(self, left: int, right: int) -> bool:
        """Return whether that is another light than now; the exposure is the camera's again then."""
        wanted = (min(max(left, 0), STEPS), min(max(right, 0), STEPS))
        if wanted == (self._left, self._right):
            return False
        self._left, self._right = wanted
        if self._by_hand:
            self.unlock()
        self._lamps(self._left / STEPS, self._right / STEPS)
        return True

    def _expose(self, frame: Frame, times: float, check: PortraitCheck) -> bool:
        """Expose this much more or less than the last frame; exposure before gain when it gets brighter."""
        told = frame.metadata
        if told.exposure_us is None or told.gain is None or check.face is None:
            return False
        if not {"exposure_us", "gain"} <= self._camera.controls() or self._worsens(times, check):
            return False
        product = min(told.exposure_us * told.gain * times, EXPOSURE_MAX_US * GAIN_LAST)
        exposure = min(EXPOSURE_MAX_US, product)
        if product <= told.exposure_us * told.gain and times > 1:
            return False
        self._camera.set_controls(CameraControls(round(exposure), max(1.0, product / exposure)))
        self._by_hand = True
        return True

    def _worsens(self, times: float, check: PortraitCheck) -> bool:
        """More gain mends neither noise nor a colour cast."""
        return times > 1 and not {"backlight", "under_exposed"} & set(check.flags)
