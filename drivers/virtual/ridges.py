"""Grows ridges along an orientation field.

After Cappelli, Maio and Maltoni (2000): a filter tuned to the local orientation and period is applied again
and again, beginning with noise. Where two growing regions meet out of step, minutiae come into being. The
filter is separable along and across the ridge, and each of its taps is one resampling of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Weights = NDArray[np.float64]

ROUNDS = ((1.5, 8), (1.0, 8))  # reach along the ridge, repetitions
ALONG_PX = (-5.5, -3.5, -1.5, 0.0, 1.5, 3.5, 5.5)  # half pixels leave no grid pattern
ALONG_SIGMA_PX = 3.6
ACROSS_SIXTHS = range(-5, 6)  # of a period
ACROSS_SIGMA = 0.42  # periods
GAIN = 1.54


def grow(angle: Field, period_px: Field, rng: np.random.Generator) -> Field:
    """Return ridges (+1) and valleys (-1) that follow `angle` at `period_px`, smooth in between.

    `angle` is in radians, counter-clockwise from the x axis, modulo π; all are (height, width).
    """
    across = _maps(np.sin(angle), np.cos(angle), [period_px * np.float32(n / 6) for n in ACROSS_SIXTHS])
    across_weights, along_weights = _wave(np.array(ACROSS_SIXTHS) / 6), _bell(np.array(ALONG_PX))
    ridges = rng.standard_normal(angle.shape, np.float32)
    for reach, repetitions in ROUNDS:
        along = _maps(np.cos(angle), -np.sin(angle), [np.float32(reach * px) for px in ALONG_PX])
        for _ in range(repetitions):
            ridges = _gathered(_gathered(ridges, along, along_weights), across, across_weights)
            ridges = np.tanh(ridges * np.float32(GAIN / float(ridges.std())))
    return ridges


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cell_px: int) -> Field:
    """Return noise of about unit deviation that changes over about `cell_px` pixels."""
    height, width = shape
    coarse = rng.standard_normal((height // cell_px + 3, width // cell_px + 3), np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _bell(distance: Weights) -> Weights:
    weights = np.exp(-0.5 * (distance / ALONG_SIGMA_PX) ** 2)
    return np.asarray(weights / weights.sum())


def _wave(distance: Weights) -> Weights:
    """One ridge between two valleys: a Gabor profile without mean."""
    weights = np.exp(-0.5 * (distance / ACROSS_SIGMA) ** 2) * np.cos(2 * np.pi * distance)
    weights -= weights.mean()
    return np.asarray(weights / np.abs(weights).sum())


def _maps(dx: Field, dy: Field, distances: Sequence[Field | np.float32]) -> list[tuple[Field, Field]]:
    y, x = np.mgrid[: dx.shape[0], : dx.shape[1]].astype(np.float32)
    return [cv2.convertMaps(x + dx * far, y + dy * far, cv2.CV_16SC2) for far in distances]


def _gathered(field: Field, maps: Sequence[tuple[Field, Field]], weights: Weights) -> Field:
    """Return the weighted sum of `field` sampled through each map."""
    total = np.zeros_like(field)
    for (whole, fraction), weight in zip(maps, weights, strict=True):
        sample = cv2.remap(field, whole, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        cv2.scaleAdd(sample, float(weight), total, total)
    return total
