"""What a finger picture's blocks say about its ridges: the numbers that the preview score is made of.

The picture is taken at 250 ppi and cut into blocks of 16 pixels (1.6 mm, three or four ridges) every 8.
Each block's spectrum tells how much of its energy is ridges, how sharply they run in one direction, and
how wide they are (the ideas of FDA, OCL and OF in ISO/IEC 29794-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.api import FingerImage, Pixels

Floats = NDArray[np.float32]

PPI = 250
BLOCK, STEP = 16, 8
BLOCK_CM = STEP / PPI * 2.54
MAX_SIDE_PX = 1000
RIDGE_BAND = (0.10, 0.40)  # cycles a pixel: ridges 0.25 to 1 mm apart, children's and adults'
LEAST_DEVIATION = 6.0  # grey levels; below, a block is glass
LEAST_RIDGE_SHARE = 0.3
LEAST_AGREEMENT = 0.2  # of the directions of 3 x 3 blocks; noise gives 0.1
LEAST_AREA_CM2 = 0.3
LEAST_SMOOTHNESS = 0.70  # print, skin and faces 0.6; the driest finger 0.73
ALL_SAME_DIRECTION = 0.97
SECOND_FINGER = 0.4  # of the largest area
GLASS = 215.0  # grey level from which a block is bare
EVEN, DARK = 8.0, 90.0  # grey levels: deviation of the whole picture; darker, something covers the glass


class NotAFinger(Exception):
    """There is no single area with ridges. `reason`: blank, covered, no_ridges; one_finger: there are two."""

    def __init__(self, reason: str = "no_ridges") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """Blocks of one picture, (rows, columns); `finger` marks the largest area that carries ridges.

    `grey` is the picture itself, (height, width) at 250 ppi.
    """

    grey: Floats
    finger: NDArray[np.bool_]
    elsewhere: int  # blocks with ridges that are not joined to the finger
    mean: Floats  # grey level
    deviation: Floats  # grey levels
    skew: Floats  # of the grey levels; dry is far below 0, wet above
    dark: Floats  # share of pixels darker than the block's mean
    ridge: Floats  # share of the energy in the ridge band
    low: Floats  # share below it
    high: Floats  # share above it: noise
    frequency: Floats  # centre of the ridge band's energy, cycles a pixel
    peak: Floats  # share of the energy in the four strongest frequencies
    direction: NDArray[np.complex64]  # of the ridges, its angle doubled; the size is `coherence`
    coherence: Floats  # 0..1: all the ridge energy in one direction
    smoothness: Floats  # 0..1: that direction is also the neighbours'

    def of_finger(self, block_values: Floats) -> Floats:
        return block_values[self.finger]

    @property
    def skin(self) -> NDArray[np.bool_]:
        """Where `grey` shows the finger: the middle of each of its blocks, a square of the step's size."""
        squares = self.finger.repeat(STEP, axis=0).repeat(STEP, axis=1)
        before = (BLOCK - STEP) // 2
        after = [side - before - inside for side, inside in zip(self.grey.shape, squares.shape, strict=True)]
        return np.pad(squares, [(before, left) for left in after])

    @property
    def area_cm2(self) -> float:
        return float(self.finger.sum()) * BLOCK_CM**2

    @property
    def streaks(self) -> float:
        """How much of the contrast runs one way, 0..1, beyond what the ridges do: a sliding finger smears."""
        inside = self.direction[self.finger]
        weight = self.of_finger(self.deviation) ** 2
        return float(abs((weight * inside).sum()) / (weight * np.abs(inside)).sum())

    @property
    def offset_mm(self) -> tuple[float, float]:
        """From the picture's centre to the finger's: (right, down)."""
        rows, columns = np.nonzero(self.finger)
        height, width = self.finger.shape
        right, down = columns.mean() - (width - 1) / 2, rows.mean() - (height - 1) / 2
        return float(right * BLOCK_CM * 10), float(down * BLOCK_CM * 10)


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """Constants of a block's half spectrum, flattened to one row a frequency."""

    window: Floats
    weight: Floats  # a frequency that stands for its mirror image too counts twice
    band: Floats
    sums: (
        Floats  # (frequencies, 6): band, low, high, frequency in band, and cosine and sine of twice its angle
    )


def texture(image: FingerImage) -> Texture:
    """Return the blocks of `image`. Raises NotAFinger; ValueError when it is no grey picture of 8 bits."""
    grey = _at_250_ppi(image)
    if min(grey.shape) < 2 * BLOCK:
        raise NotAFinger
    _refuse_an_even_picture(grey)
    windows = np.lib.stride_tricks.sliding_window_view(grey, (BLOCK, BLOCK))[::STEP, ::STEP]
    shape = windows.shape[:2]
    blocks = windows.reshape(-1, BLOCK, BLOCK)
    mean = blocks.mean((1, 2))
    centred = blocks - mean[:, None, None]
    squared = centred * centred
    deviation = np.sqrt(squared.mean((1, 2)))
    plane = _plane()
    spectrum = np.fft.rfft2(centred * plane.window).reshape(len(blocks), -1)
    power = (spectrum.real**2 + spectrum.imag**2) * plane.weight
    total = power.sum(1) + 1e-3
    # Not "@": BLAS would spread this over every core and spin there for longer than the sum itself takes.
    band, low, high, frequency, cosine, sine = np.einsum("bf,fk->kb", power, plane.sums)
    band += 1e-3
    direction = ((cosine + 1j * sine) / band).reshape(shape)
    agreement = np.hypot(_around(direction.real), _around(direction.imag))
    ridge = (band / total).reshape(shape)
    peaks = np.partition(power * plane.band, -4, axis=1)[:, -4:].sum(1)
    ridges = (
        (deviation.reshape(shape) > LEAST_DEVIATION)
        & (ridge > LEAST_RIDGE_SHARE)
        & (agreement > LEAST_AGREEMENT)
    )
    finger, elsewhere = _finger(ridges)
    _refuse_two_fingers(ridges, mean.reshape(shape), deviation.reshape(shape))
    found = Texture(
        grey=grey,
        finger=finger,
        elsewhere=elsewhere,
        mean=mean.reshape(shape),
        deviation=deviation.reshape(shape),
        skew=((squared * centred).mean((1, 2)) / (deviation**3 + 1)).reshape(shape),
        dark=(centred < 0).mean((1, 2), dtype=np.float32).reshape(shape),
        ridge=ridge,
        low=(low / total).reshape(shape),
        high=(high / total).reshape(shape),
        frequency=(frequency / band).reshape(shape),
        peak=(peaks / total).reshape(shape),
        direction=direction,
        coherence=np.abs(direction),
        smoothness=agreement / (_around(np.abs(direction)) + np.float32(1e-6)),
    )
    _refuse_what_only_looks_like_ridges(found, direction)
    return found


def _at_250_ppi(image: FingerImage) -> Floats:
    pixels: Pixels = image.pixels
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or max(pixels.shape) > MAX_SIDE_PX:
        raise ValueError(f"no finger picture: {pixels.dtype} {pixels.shape}")
    scale = PPI / image.ppi
    height, width = (round(side * scale) for side in pixels.shape)
    if min(height, width) < 1:
        raise NotAFinger
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def _refuse_an_even_picture(grey: Floats) -> None:
    """Glass with nothing on it, or wholly covered."""
    if float(grey.mean()) < DARK and float(np.quantile(grey, 0.9)) < DARK:
        raise NotAFinger("covered")
    if float(grey.std()) < EVEN:
        raise NotAFinger("blank" if float(grey.mean()) > DARK else "covered")


def _finger(ridges: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    """The largest area of blocks with ridges, gaps closed and crumbs dropped; and the blocks elsewhere."""
    kernel = np.ones((5, 5), np.uint8)
    mask = cv2.morphologyEx(ridges.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        raise NotAFinger
    areas = stats[1:, cv2.CC_STAT_AREA]
    return labels == 1 + int(areas.argmax()), int(areas.sum() - areas.max())


def _refuse_two_fingers(ridges: NDArray[np.bool_], mean: Floats, deviation: Floats) -> None:
    """Two areas with ridges and bare glass all the way between them; worn skin between two is not bare."""
    bare = (mean >= GLASS) & (deviation <= LEAST_DEVIATION)
    touched = cv2.morphologyEx((~bare).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(touched, connectivity=4)
    areas = np.sort(np.bincount(labels[ridges], minlength=count)[1:])[::-1]
    if len(areas) > 1 and areas[1] > max(SECOND_FINGER * areas[0], LEAST_AREA_CM2 / BLOCK_CM**2):
        raise NotAFinger("one_finger")


def _around(values: Floats) -> Floats:
    """The mean over each block and its eight neighbours."""
    return np.asarray(cv2.blur(values, (3, 3)), np.float32)


def _refuse_what_only_looks_like_ridges(found: Texture, direction: NDArray[np.complex64]) -> None:
    """Noise has energy in the ridge band but no direction; a grating has only one."""
    if found.area_cm2 < LEAST_AREA_CM2 or found.of_finger(found.smoothness).mean() < LEAST_SMOOTHNESS:
        raise NotAFinger
    inside = direction[found.finger]
    if abs(inside.sum()) > ALL_SAME_DIRECTION * np.abs(inside).sum():
        raise NotAFinger


@cache
def _plane() -> _Plane:
    hann = np.hanning(BLOCK + 2)[1:-1]
    down, right = np.fft.fftfreq(BLOCK)[:, None], np.fft.rfftfreq(BLOCK)[None, :]
    radius = np.hypot(down, right)
    weight = np.ones_like(radius)
    weight[:, 1:-1] = 2
    least, most = RIDGE_BAND
    band = (radius >= least) & (radius <= most)
    double_angle = 2 * np.arctan2(down, right)
    sums = [
        band,
        (radius > 0) & (radius < least),
        radius > most,
        band * radius,
        band * np.cos(double_angle),
        band * np.sin(double_angle),
    ]
    return _Plane(
        window=np.outer(hann, hann).astype(np.float32),
        weight=weight.astype(np.float32).ravel(),
        band=band.astype(np.float32).ravel(),
        sums=np.stack([each.astype(np.float32).ravel() for each in sums], axis=1),
    )
