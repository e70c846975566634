"""An estimate of NFIQ 2 from a picture's texture: a polynomial of second degree in eleven numbers.

The constants are in `finger_model.json`, made by `benchmarks/finger_fit.py` from pictures with true NFIQ 2.3
scores. How well it does on fingers that it has not seen stands in that file too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.quality.finger_texture import Texture

Vector = NDArray[np.float64]

CONSTANTS = Path(__file__).with_suffix(".json")
FURTHEST = 2.5  # standard deviations: beyond, the model knows nothing and follows no further


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`weights` belong to 1, the standardised numbers, and their products in the order of `polynomial`."""

    mean: Vector
    spread: Vector
    weights: Vector

    def estimate(self, numbers: Vector) -> float:
        standard = np.clip((numbers - self.mean) / self.spread, -FURTHEST, FURTHEST)
        return float(polynomial(standard[None])[0] @ self.weights)


def estimate(found: Texture) -> int:
    """Return the estimated NFIQ 2 score, 0..100."""
    return round(min(100.0, max(0.0, _model().estimate(features(found)))))


def features(found: Texture) -> Vector:
    """The eleven numbers: sharpness of the ridges, their spacing, noise, flow, area and evenness."""
    inside = found.of_finger
    ridge, frequency, dark = inside(found.ridge), inside(found.frequency), inside(found.dark)
    return np.array(
        [
            np.quantile(ridge * inside(found.coherence), 0.1),
            ridge.mean(),
            np.quantile(frequency, 0.1),
            np.log(max(1e-3, float(inside(found.high).mean()))),
            np.log(max(1e-3, float(inside(found.low).mean()))),
            inside(found.smoothness).mean(),
            found.area_cm2,
            np.median(dark),
            inside(found.peak).std(),
            np.quantile(np.abs(dark - 0.5), 0.9),
            np.log(inside(found.deviation) + 1).std(),
        ],
        dtype=np.float64,
    )


def polynomial(standard: Vector) -> Vector:
    """1, each of the (n, 11) numbers, and each product of two of them: (n, 78)."""
    first, second = np.triu_indices(standard.shape[1])
    ones = np.ones((len(standard), 1))
    return np.hstack([ones, standard, standard[:, first] * standard[:, second]])


@cache
def _model() -> Model:
    constants = json.loads(CONSTANTS.read_text())
    return Model(*(np.array(constants[name]) for name in ("mean", "spread", "weights")))
