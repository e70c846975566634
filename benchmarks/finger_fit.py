"""Make `firmware/quality/finger_model.npz` and `.json`: the preview's estimate of NFIQ 2, and its worth.

    python -m benchmarks.finger_fit [ROUNDS OF 80 DEGRADATIONS A FINGER]

Training pictures are those of the shared index and made-up degradations of its nine fingers at the sizes that
a sensor gives, each scored by NFIQ 2.3 itself. A finger is judged only by a model that has never seen any
picture of it (leave one base out), its penalty included: that one is chosen by leaving out, in turn, each of
the fingers that remain. Which numbers there are was not chosen so: they were tried on these same nine
fingers, and there were no others to judge the choice by. Two rounds, because the figure of one depends on
which degradations were drawn (0.785 to 0.820 by three seeds). Takes about seven minutes the first time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.finger_pictures import Scored, made_pictures, shared_pictures
from firmware.quality.finger_features import features
from firmware.quality.finger_model import (
    CONSTANTS,
    STEPS,
    WORTH,
    Model,
    known_numbers,
    nearness,
    standardised,
    terms,
)
from firmware.quality.finger_texture import NotAFinger, texture

Vector = NDArray[Any]

RIDGE_PENALTY = 30.0
PENALTIES = (0.1, 0.2, 0.5, 1.0)  # of the kernel model, to choose from
INDEX_WEIGHT = 2.0
FEW = 8  # a rank correlation of fewer pictures says nothing


@dataclass(frozen=True)
class Set:
    """`features` (n, numbers), true `scores` (n,), the finger each is of, and what it counts in the fit.

    Where NFIQ 2 fails the score to learn is 0: without a scorer such a picture must not look good enough.
    It has no true score, so it is not `judged`.
    """

    features: Vector
    scores: Vector
    base: NDArray[np.str_]
    weight: Vector
    judged: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> Set:
        return Set(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def without(self, base: str) -> Set:
        return self.where(self.base != base)

    def of(self, base: str) -> Set:
        return self.where(self.base == base)


def numbers_of(pictures: list[Scored], weight: float) -> Set:
    rows: list[tuple[Vector, int, str, bool]] = []
    for image, score, base in pictures:
        try:
            rows.append((features(texture(image)), score or 0, base, score is not None))
        except NotAFinger:
            continue
    vectors, scores, bases, judged = map(np.array, zip(*rows, strict=True))
    return Set(vectors, scores.astype(float), bases, np.full(len(rows), weight), judged)


def fits(known: Set) -> Iterator[Model]:
    """The model for each of `PENALTIES`."""
    mean, spread = known.features.mean(0), known.features.std(0) + 1e-9
    mean, spread = mean.astype(np.float32), spread.astype(np.float32)
    standard = standardised(known.features, mean, spread)
    curved, straight = (_weights(each, known) for each in terms(standard))
    kept = np.rint(standard * STEPS).astype(np.int8)
    near = nearness(known_numbers(kept), known_numbers(kept)).astype(float)
    level = np.average(known.scores, weights=known.weight)
    for penalty in PENALTIES:
        pull = np.linalg.solve(near + penalty * np.diag(1 / known.weight), known.scores - level)
        rest = (each.astype(np.float32) for each in (pull, np.array([level])))
        yield Model(mean, spread, curved, straight, kept, *rest)


def _weights(numbers: Vector, known: Set) -> Vector:
    """Ridge regression; the constant is free."""
    numbers = numbers.astype(float)
    penalty = np.eye(numbers.shape[1]) * RIDGE_PENALTY
    penalty[0, 0] = 0
    weighted = numbers * known.weight[:, None]
    solved: Vector = np.linalg.solve(weighted.T @ numbers + penalty, weighted.T @ known.scores)
    return solved.astype(np.float32)


def join(a: Set, b: Set) -> Set:
    return Set(*(np.concatenate([getattr(a, field.name), getattr(b, field.name)]) for field in fields(Set)))


def fit(judged: Set, others: Set) -> tuple[Model, float]:
    """The model whose penalty ranks best, of the `judged` fingers, those it has not seen; and the penalty."""
    left_out = np.zeros((len(PENALTIES), len(judged.scores)))
    for base in np.unique(judged.base):
        known, own = join(judged.without(base), others.without(base)), judged.base == base
        left_out[:, own] = [_guesses(model, judged.of(base)) for model in fits(known)]
    told = judged.judged
    best = int(np.argmax([spearman(judged.scores[told], guesses[told]) for guesses in left_out]))
    return list(fits(join(judged, others)))[best], PENALTIES[best]


def _guesses(model: Model, unseen: Set) -> list[float]:
    return [model.estimate(numbers) for numbers in unseen.features]


def leave_one_base_out(judged: Set, others: Set) -> tuple[Vector, dict[str, float]]:
    """An estimate for each of `judged` by a model made without any picture of its finger, and its penalty."""
    guesses, penalties = np.zeros(len(judged.scores)), {}
    for base in map(str, np.unique(judged.base)):
        model, penalties[base] = fit(judged.without(base), others.without(base))
        guesses[judged.base == base] = _guesses(model, judged.of(base))
    return guesses, penalties


def spearman(a: Vector, b: Vector) -> float:
    """Rank correlation, ties at their mean rank."""
    ranks: list[Vector] = []
    for values in (a, b):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(count) - (count - 1) / 2)[place].astype(float))
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def auc(scores: Vector, guesses: Vector, least: int = 30) -> float:
    """How often a picture that is good enough gets a higher guess than one that is not."""
    good, bad = guesses[scores >= least], guesses[scores < least]
    return float(((good[:, None] > bad) + 0.5 * (good[:, None] == bad)).mean())


def report(name: str, judged: Set, others: Set) -> dict[str, Any]:
    every, penalties = leave_one_base_out(judged, others)
    told = judged.judged
    guesses, scores, bases = every[told], judged.scores[told], judged.base[told]
    of_base = {base: bases == base for base in np.unique(bases) if (bases == base).sum() >= FEW}
    return {
        "pictures": name,
        "count": len(guesses),
        "spearman": round(spearman(scores, guesses), 3),
        "by_base": {str(b): round(spearman(scores[own], guesses[own]), 3) for b, own in of_base.items()},
        "mean_error": round(float(np.abs(scores - guesses).mean()), 1),
        "auc_30": round(auc(scores, guesses), 3),
        "nfiq2_failed": len(every) - len(guesses),
        "of_those_estimated_30_or_more": int((every[~told] >= 30).sum()),
        "penalty_without_this_base": penalties,
    }


def main(rounds: int) -> None:
    shared, made = numbers_of(shared_pictures(), INDEX_WEIGHT), numbers_of(made_pictures(rounds), 1.0)
    model, penalty = fit(shared, made)
    worth = {
        "made_by": "benchmarks/finger_fit.py",
        "penalty": penalty,
        "known_pictures": len(model.known),
        "leave_one_base_out": [report("shared", shared, made), report("made", made, shared)],
    }
    np.savez_compressed(CONSTANTS, **{field.name: getattr(model, field.name) for field in fields(model)})
    WORTH.write_text(json.dumps(worth, indent=1) + "\n")
    print(WORTH.read_text())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
