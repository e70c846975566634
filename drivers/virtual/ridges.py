"""Grows the ridges of a made-up finger: an orientation field, then iterated oriented filtering of noise.

After Sherlock and Monro (1993) the orientation is that of a field with a zero at each core and a pole at each
delta; after Cappelli, Maio and Maltoni (2000) ridges grow where a filter tuned to the local orientation and
period is applied again and again. Where two growing regions meet out of step, minutiae come into being.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Point = tuple[float, float]

ITERATIONS = 18
ALONG_PX = (-5.5, -3.5, -1.5, 0.0, 1.5, 3.5, 5.5)  # half pixels leave no grid pattern
ALONG_SIGMA_PX = 3.6
ACROSS_STEPS = 5  # on each side, of a sixth of a period
ACROSS_SIGMA = 0.42  # periods
GAIN = 2.2


@dataclass(frozen=True, slots=True)
class Flow:
    """Where the ridges turn, in pixels from the middle, y downwards. An arch has a rise and no points."""

    cores: Sequence[Point] = ()
    deltas: Sequence[Point] = ()
    bend: float = 0.0
    arch_px: float = 0.0


def orientation(flow: Flow, shape: tuple[int, int], wobble: Field) -> Field:
    """Return the ridge angle at each pixel, radians, counter-clockwise from the x axis; defined modulo π."""
    x, y = _grid(shape)
    angle = wobble + _arch_angle(flow.arch_px, x, y)
    for sign, points in ((0.5, flow.cores), (-0.5, flow.deltas)):
        for px, py in points:
            turn = np.arctan2(py - y, x - px)
            angle += np.float32(sign) * (turn + np.float32(flow.bend) * np.sin(2 * turn))
    return angle.astype(np.float32)


def grow(angle: Field, period_px: Field, rng: np.random.Generator) -> Field:
    """Return ridges (+1) and valleys (-1) that follow `angle` at `period_px`, smooth in between."""
    along = _maps(np.cos(angle), -np.sin(angle), [np.float32(step) for step in ALONG_PX])
    steps = range(-ACROSS_STEPS, ACROSS_STEPS + 1)
    across = _maps(np.sin(angle), np.cos(angle), [period_px * np.float32(step / 6) for step in steps])
    along_weights = _normalised(np.exp(-0.5 * (np.array(ALONG_PX) / ALONG_SIGMA_PX) ** 2))
    distance = np.array(steps) / 6
    across_weights = np.exp(-0.5 * (distance / ACROSS_SIGMA) ** 2) * np.cos(2 * np.pi * distance)
    across_weights -= across_weights.mean()
    across_weights /= np.abs(across_weights).sum()
    ridges = rng.standard_normal(angle.shape, np.float32) * np.float32(0.1)
    for _ in range(ITERATIONS):
        ridges = _gathered(_gathered(ridges, along, along_weights), across, across_weights)
        ridges = np.tanh(ridges * np.float32(GAIN / (float(ridges.std()) + 1e-6)) * np.float32(0.7))
    return ridges


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cell_px: int) -> Field:
    """Return noise of unit amplitude that changes over about `cell_px` pixels."""
    height, width = shape
    coarse = rng.standard_normal((height // cell_px + 3, width // cell_px + 3), np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return x - shape[1] / 2, y - shape[0] / 2


def _arch_angle(rise_px: float, x: Field, y: Field) -> Field:
    """The slope of bell-shaped ridges that flatten towards the tip and the crease."""
    width, height = np.float32(75), np.float32(110)
    rise = np.float32(rise_px) * np.exp(-(((y - 40) / height) ** 2))
    slope = -2 * x / width**2 * rise * np.exp(-((x / width) ** 2))
    return np.asarray(np.arctan(slope), np.float32)


def _maps(dx: Field, dy: Field, distances: Sequence[Field | np.float32]) -> list[tuple[Field, Field]]:
    y, x = np.mgrid[: dx.shape[0], : dx.shape[1]].astype(np.float32)
    return [cv2.convertMaps(x + dx * far, y + dy * far, cv2.CV_16SC2) for far in distances]


def _gathered(field: Field, maps: Sequence[tuple[Field, Field]], weights: NDArray[np.float64]) -> Field:
    """Return the weighted sum of `field` sampled through each map."""
    total = np.zeros_like(field)
    for (whole, fraction), weight in zip(maps, weights, strict=True):
        sample = cv2.remap(field, whole, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        cv2.scaleAdd(sample, float(weight), total, total)
    return total


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return weights / weights.sum()
