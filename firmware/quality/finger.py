"""The live measure of a finger's picture, on every frame: how good, and what the person should do now.

`score` is an estimate of NFIQ 2, good enough to pick the best of a second's frames and to say "again"; it
decides nothing where NFIQ 2 itself is installed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from drivers.api import FingerImage
from firmware.quality.finger_model import estimate
from firmware.quality.finger_texture import BLOCK_CM, NotAFinger, Texture, texture

__all__ = ["FingerQuality", "NotAFinger", "measure", "shift_mm"]

CLEAR = 40  # nothing to mend: the highest threshold, 30, and the mean error of the estimate
WHERE = ("up", "down", "centre")  # said even of a clear picture: more of the finger matches better
SMALL_CM2 = 1.0  # a child's little finger fills this
OFF_CENTRE_MM = 3.0
RESIDUE_CM2 = 0.3
ENOUGH_CM2 = 3.0  # as much as a U.are.U's glass
PALE, JOINED = 18.0, 25.0  # grey levels: contrast of a faint print, and of ridges that run together
DRY_SKEW, BROKEN_RIDGES = -0.65, 0.5
MIDDLE_SKEW = 0.5
SOAKED_SKEW = 0.6
WET_SKEW, DARK = -0.4, 157.0
SLID = 0.7  # of the contrast in one direction; a plain arch has 0.62
FLATTENED = 0.85  # of the glass
SMEARED = 0.012  # share of energy above the ridges


@dataclass(frozen=True, slots=True)
class FingerQuality:
    """One picture's measure. `hint` is the key of what the person should do, None when nothing.

    `cause` is the hint to give when the picture does not do after all (NFIQ 2 has the last word).
    """

    score: int  # 0..100, an estimate of NFIQ 2 (ISO/IEC 29794-4)
    coverage: float  # 0..1 of the picture shows ridges
    area_cm2: float
    contrast: float  # of ridges and valleys, grey levels (standard deviation in a block)
    certainty: float  # 0..1 of the ridges' direction
    wetness: float  # -1 very dry .. 1 very wet
    offset_mm: tuple[float, float]  # of the finger from the middle: (right, down)
    hint: str | None
    cause: str


def measure(image: FingerImage) -> FingerQuality:
    """Measure one frame, 5 ms for a sensor's 290 x 384.

    Raises NotAFinger when no area carries ridges: blank, black, noise, print, a grating. Raises ValueError
    for what is no grey picture of 8 bits or has a side over 1000 pixels.
    """
    found = texture(image)
    score, cause = estimate(found), _cause(found)
    return FingerQuality(
        score=score,
        coverage=float(found.finger.mean()),
        area_cm2=found.area_cm2,
        contrast=_of(found, "deviation"),
        certainty=_of(found, "coherence"),
        wetness=min(1.0, max(-1.0, _of(found, "skew") + MIDDLE_SKEW)),
        offset_mm=found.offset_mm,
        hint=cause if score < CLEAR or cause in WHERE else None,
        cause=cause,
    )


def shift_mm(before: FingerImage, after: FingerImage) -> float:
    """How far the finger moved from one frame to the next; 0 where they cannot be compared."""
    if before.pixels.shape != after.pixels.shape or min(before.pixels.shape) < 64:
        return 0.0
    quarter = [
        cv2.resize(image.pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
        for image in (before, after)
    ]
    window = cv2.createHanningWindow(quarter[0].shape[::-1], cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(quarter[0], quarter[1], window)
    return float(np.hypot(right, down)) * 4 / after.ppi * 25.4


def _cause(found: Texture) -> str:
    """The first that applies: what hides the rest comes first, what the whole picture tells comes last."""
    skew, coherence = _of(found, "skew"), _of(found, "coherence")
    if skew < DRY_SKEW and coherence < BROKEN_RIDGES:
        return "moisten"
    if skew > SOAKED_SKEW:
        return _too_wet(found)
    where = _where(found)
    if where is not None:
        return where
    if found.streaks > SLID:
        return "hold_still"
    deviation = _of(found, "deviation")
    if skew > WET_SKEW and _of(found, "mean") < DARK and deviation > JOINED:
        return _too_wet(found)
    if deviation < PALE or found.area_cm2 < SMALL_CM2:
        return "press_more"
    if found.elsewhere * BLOCK_CM**2 > RESIDUE_CM2:
        return "clean_glass"
    return "hold_still" if _of(found, "high") < SMEARED else "moisten"


def _too_wet(found: Texture) -> str:
    """Ridges run together: of a finger that fills the glass because it is pressed flat."""
    return "press_less" if float(found.finger.mean()) > FLATTENED else "dry"


def _where(found: Texture) -> str | None:
    """Where a finger has to go of which the glass sees too little; one that covers enough lies well."""
    right, down = found.offset_mm
    if found.area_cm2 >= ENOUGH_CM2 or max(abs(right), abs(down)) <= OFF_CENTRE_MM:
        return None
    if abs(down) >= abs(right):
        return "up" if down > 0 else "down"
    return "centre"


def _of(found: Texture, name: str) -> float:
    return float(found.of_finger(getattr(found, name)).mean())
