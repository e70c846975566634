"""An estimate of NFIQ 2 from a picture's numbers: what lines through them say, and what their neighbours do.

A polynomial of second degree in eleven numbers and a linear model in the others share one half; the other
half is kernel ridge regression, which scores a picture as the known pictures near it were scored. They err
differently: their mean ranks unseen fingers better than any of them.
The constants are in `finger_model.npz`, made by `benchmarks/finger_fit.py` from pictures with true NFIQ 2.3
scores. How well it does on fingers that it has not seen is in `finger_model.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.quality.finger_features import CURVED, features
from firmware.quality.finger_texture import Texture

Vector = NDArray[np.float64]
Floats = NDArray[np.float32]

CONSTANTS = Path(__file__).with_suffix(".npz")
WORTH = Path(__file__).with_suffix(".json")
FURTHEST = 2.5  # standard deviations: beyond, the model knows nothing and follows no further
STEPS = 12  # a standard deviation: so finely is a known picture kept; 50 ranks no better


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """n numbers of a picture, k known pictures.

    `mean` and `spread` (n,) standardise; `curved` weigh the polynomial of the first numbers, `straight` 1 and
    the others; `known` (k, n) are the known pictures' standardised numbers in `STEPS`, `pull` (k,) how much
    each of them draws an estimate away from `level` (1,).
    """

    mean: Floats
    spread: Floats
    curved: Floats
    straight: Floats
    known: NDArray[np.int8]
    pull: Floats
    level: Floats

    def estimate(self, numbers: Vector) -> float:
        standard = standardised(numbers[None], self.mean, self.spread)
        first, others = terms(standard)
        lines = (first[0] @ self.curved + others[0] @ self.straight) / 2
        near = nearness(standard, known_numbers(self.known))[0] @ self.pull + self.level[0]
        return float((lines + near) / 2)


def estimate(found: Texture) -> int:
    """Return the estimated NFIQ 2 score, 0..100."""
    return round(min(100.0, max(0.0, _model().estimate(features(found)))))


def standardised(numbers: Vector, mean: Floats, spread: Floats) -> Floats:
    """(pictures, n) numbers in standard deviations from the mean."""
    return np.clip((numbers - mean) / spread, -FURTHEST, FURTHEST).astype(np.float32)


def terms(standard: Floats) -> tuple[Floats, Floats]:
    """What the polynomial and the linear model weigh, each (pictures, terms)."""
    ones = np.ones((len(standard), 1), np.float32)
    return polynomial(standard[:, :CURVED]), np.hstack([ones, standard[:, CURVED:]])


def polynomial(standard: Floats) -> Floats:
    """1, each of the (pictures, m) numbers, and each product of two of them."""
    first, second = np.triu_indices(standard.shape[1])
    ones = np.ones((len(standard), 1), np.float32)
    return np.hstack([ones, standard, standard[:, first] * standard[:, second]])


def known_numbers(kept: NDArray[np.int8]) -> Floats:
    """The standardised numbers of pictures as they are kept."""
    return kept.astype(np.float32) / np.float32(STEPS)


def nearness(some: Floats, known: Floats) -> Floats:
    """How near each of some pictures is to each known one, (some, known): 1 the same, towards 0 unlike.

    A Gaussian of the mean squared distance of their standardised numbers.
    """
    squares = [np.einsum("pn,pn->p", each, each) for each in (some, known)]
    products = np.einsum("pn,kn->pk", some, known)  # not "@": see finger_texture
    distance = (squares[0][:, None] + squares[1] - 2 * products) / known.shape[1]
    return np.asarray(np.exp(-np.maximum(distance, 0)), np.float32)


@cache
def _model() -> Model:
    with np.load(CONSTANTS, allow_pickle=False) as kept:
        return Model(*(kept[field.name] for field in fields(Model)))
