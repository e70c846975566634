"""`kiosk doctor --calibrate finger`: the true resolution of a sensor, from a printed scale on its glass.

A U.are.U says 500 ppi without proof, and NFIQ 2 is defined at 500 ppi only. The scale is a film with lines at
a known pitch (1 mm unless told), laid on the glass with a drop of water, once upright and once across.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.api import FingerImage, FingerSensor, Pixels
from drivers.errors import UserRetry

MM_PER_INCH = 25.4
LABELLED_PPI = 500
RANGE = (0.85, 1.15)  # of the label: beyond, the film has another pitch than was said
STEPS = 6001  # 0.005 % each
CERTAIN = 0.25  # of the profile's energy in the one frequency; a finger gives 0.1
WITHIN = 0.01  # of the label: nothing has to be set (FBI EBTS Appendix F asks for 1 %)
FRAMES = 5
FRAME_S = 3.0


class NoScale(Exception):
    """There is no ruled scale on the glass; the text says what was seen."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """`ppi` along `axis` ("across" or "down"); `certainty` 0..1 is how much of the picture is the scale."""

    ppi: float
    axis: str
    certainty: float

    @property
    def as_labelled(self) -> bool:
        return abs(self.ppi / LABELLED_PPI - 1) <= WITHIN


def measure_scale(sensor: FingerSensor, pitch_mm: float) -> Resolution:
    """The median of some frames. Raises NoScale, and what the sensor raises."""
    found = [resolution(sensor.frame(FRAME_S), pitch_mm) for _ in range(FRAMES)]
    axis = found[0].axis
    if any(each.axis != axis for each in found):
        raise NoScale("the film moved: hold it still")
    return sorted(found, key=lambda each: each.ppi)[FRAMES // 2]


def resolution(image: FingerImage, pitch_mm: float) -> Resolution:
    """The resolution at which lines `pitch_mm` apart lie as they do in this picture. Raises NoScale."""
    if not 0.2 <= pitch_mm <= 2.0:
        raise NoScale(f"a pitch of {pitch_mm:g} mm does not suit a glass of 15 x 20 mm: 0.2 to 2")
    across, down = (_along(image.pixels, axis, pitch_mm) for axis in ("across", "down"))
    best = max(across, down, key=lambda each: each.certainty)
    if best.certainty < CERTAIN:
        raise NoScale(f"no lines {pitch_mm:g} mm apart are seen: lay the film flat, with a drop of water")
    return best


def _along(pixels: Pixels, axis: str, pitch_mm: float) -> Resolution:
    """The frequency with most energy of the mean line, looked for finely around the label."""
    line: NDArray[np.float64] = pixels.mean(axis=0 if axis == "across" else 1, dtype=np.float64)
    line = (line - line.mean()) * np.hanning(len(line))
    energy = float((line**2).sum())
    ppi = LABELLED_PPI * np.linspace(*RANGE, STEPS)
    cycles = MM_PER_INCH / (ppi * pitch_mm)  # a pixel
    waves = np.exp(-2j * np.pi * cycles[:, None] * np.arange(len(line)))
    power = np.abs(waves @ line) ** 2
    at = int(power.argmax())
    share = 2 * float(power[at]) / (len(line) * energy * 2 / 3) if energy else 0.0  # 2/3: of a Hann window
    return Resolution(float(ppi[at]), axis, min(1.0, share))


def calibrate(sensor: FingerSensor, pitch_mm: float) -> str:
    """One line that says what was measured and what to set. Raises NoScale and what the sensor raises."""
    if not sensor.await_finger(True, 20.0):
        raise UserRetry("no_finger")
    found = measure_scale(sensor, pitch_mm)
    told = f"{found.axis}: {found.ppi:.1f} ppi (certainty {found.certainty:.2f})"
    if found.as_labelled:
        return f"{told}; within 1 % of 500: nothing to set"
    return f"{told}; write into the site's file: [finger] ppi = {round(found.ppi)}"
