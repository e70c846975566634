"""An estimate of NFIQ 2 from a picture's texture: the mean of two models of the same blocks.

One is a polynomial of second degree in eleven numbers, the other is linear in what each measure of a block
is over the finger. They err differently: their mean ranks unseen fingers better than either.
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

from firmware.quality.finger_texture import BLOCK_CM, Texture

Vector = NDArray[np.float64]

CONSTANTS = Path(__file__).with_suffix(".json")
FURTHEST = 2.5  # standard deviations: beyond, the model knows nothing and follows no further
CURVED = 11
"""So many of the numbers enter the polynomial; the others enter the linear model."""
MEASURES = (
    "ridge", "coherence", "frequency", "high", "low", "smoothness", "dark", "peak", "deviation", "skew",
    "mean",
)  # fmt: skip
CLEAR_RIDGES = (0.3, 0.5, 0.7, 0.85)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`curved` weigh the polynomial of the first numbers, `straight` 1 and the others, all standardised."""

    mean: Vector
    spread: Vector
    curved: Vector
    straight: Vector

    def estimate(self, numbers: Vector) -> float:
        first, others = terms(numbers[None], self.mean, self.spread)
        return float((first[0] @ self.curved + others[0] @ self.straight) / 2)


def terms(numbers: Vector, mean: Vector, spread: Vector) -> tuple[Vector, Vector]:
    """What the two models weigh, of (n, numbers): each (n, terms)."""
    standard = np.clip((numbers - mean) / spread, -FURTHEST, FURTHEST)
    ones = np.ones((len(standard), 1))
    return polynomial(standard[:, :CURVED]), np.hstack([ones, standard[:, CURVED:]])


def estimate(found: Texture) -> int:
    """Return the estimated NFIQ 2 score, 0..100."""
    return round(min(100.0, max(0.0, _model().estimate(features(found)))))


def features(found: Texture) -> Vector:
    """All numbers of both models."""
    return np.concatenate([_chosen(found), _everywhere(found)])


def _chosen(found: Texture) -> Vector:
    """Eleven: sharpness of the ridges, their spacing, noise, flow, area and evenness."""
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


def _everywhere(found: Texture) -> Vector:
    """Each measure's mean, deviation and deciles over the finger, and how much of it has clear ridges."""
    rows = {name: found.of_finger(getattr(found, name)).astype(np.float64) for name in MEASURES}
    for name in ("high", "low"):
        rows[name] = np.log(np.maximum(1e-3, rows[name]))
    rows["deviation"] = np.log(rows["deviation"] + 1)
    clear = rows["ridge"] * rows["coherence"]
    table = np.stack([*rows.values(), clear, clear * rows["smoothness"]])
    spread = [table.mean(1), table.std(1), *np.quantile(table, (0.1, 0.25, 0.5, 0.75, 0.9), axis=1)]
    shares = [float((clear > least).mean()) for least in CLEAR_RIDGES]
    areas = [each for share in shares for each in (share * found.area_cm2, share)]
    rows_, columns = np.nonzero(found.finger)
    box = (np.ptp(rows_) + 1) * (np.ptp(columns) + 1)
    whole = [found.area_cm2, found.finger.mean(), found.elsewhere * BLOCK_CM**2, found.finger.sum() / box]
    return np.concatenate([*spread, areas, whole])


def polynomial(standard: Vector) -> Vector:
    """1, each of the (n, m) numbers, and each product of two of them."""
    first, second = np.triu_indices(standard.shape[1])
    ones = np.ones((len(standard), 1))
    return np.hstack([ones, standard, standard[:, first] * standard[:, second]])


@cache
def _model() -> Model:
    constants = json.loads(CONSTANTS.read_text())
    return Model(*(np.array(constants[name]) for name in ("mean", "spread", "curved", "straight")))
