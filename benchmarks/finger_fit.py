"""Make `firmware/quality/finger_model.json`: the constants of the preview's estimate of NFIQ 2.

    python -m benchmarks.finger_fit [PICTURES PER FINGER]

Training pictures are those of the shared index and made-up degradations of its nine fingers at the sizes that
a sensor gives, each scored by NFIQ 2.3 itself. A finger is judged only by a model that has never seen any
picture of it (leave one base out). Takes about five minutes; the scored pictures' numbers are kept in
`var/finger_fit.npz` for the next run.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.api import FingerImage, Pixels
from firmware.quality.finger_model import CONSTANTS, Model, features, terms
from firmware.quality.finger_texture import NotAFinger, texture
from firmware.quality.nbis.client import FingerScorer, ScoreFailed
from firmware.quality.nbis.runtime import locate

Vector = NDArray[Any]

CHECKOUT = Path(__file__).resolve().parents[1]
FINGERS = Path(os.environ.get("IDKIOSK_TEST_DATA", CHECKOUT.parent / "shared" / "data")) / "fingers"
KEPT = CHECKOUT / "var" / "finger_fit.npz"
FRAME = (290, 384)  # of a U.are.U 4500
RIDGE_PENALTY = 30.0
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


def index() -> Iterator[tuple[str, str, int | None]]:
    """(file, base, true score or None where NFIQ 2 fails) of each shared picture."""
    with (FINGERS / "index.csv").open() as rows:
        for row in csv.DictReader(rows):
            yield row["file"], row["base"] or row["file"], int(row["nfiq2"]) if row["nfiq2"] else None


def index_kinds() -> Iterator[tuple[str, str, str]]:
    """(file, base, kind of degradation) of each shared picture."""
    with (FINGERS / "index.csv").open() as rows:
        for row in csv.DictReader(rows):
            yield row["file"], row["base"] or row["file"], row["kind"]


def picture(file: str) -> FingerImage:
    return FingerImage(np.asarray(cv2.imread(str(FINGERS / file), cv2.IMREAD_GRAYSCALE), np.uint8))


def shared_pictures() -> Set:
    return _set([(picture(file), score, base) for file, base, score in index()], INDEX_WEIGHT)


def made_pictures(scorer: FingerScorer, per_finger: int) -> Set:
    """Degradations of each finger that stands in the index by itself, scored by NFIQ 2."""
    random = np.random.default_rng(45)
    made: list[tuple[FingerImage, int | None, str]] = []
    for file in sorted({base for _, base, score in index() if score is not None}):
        for _ in range(per_finger):
            image = FingerImage(degrade(picture(file).pixels, random))
            try:
                made.append((image, scorer.nfiq2(image), file))
            except ScoreFailed:
                made.append((image, None, file))
    return _set(made, 1.0)


def _set(pictures: list[tuple[FingerImage, int | None, str]], weight: float) -> Set:
    rows: list[tuple[Vector, int, str, bool]] = []
    for image, score, base in pictures:
        try:
            rows.append((features(texture(image)), score or 0, base, score is not None))
        except NotAFinger:
            continue
    vectors, scores, bases, judged = map(np.array, zip(*rows, strict=True))
    return Set(vectors, scores.astype(float), bases, np.full(len(rows), weight), judged)


def degrade(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Lay the finger down anew (turned, moved, cut by the frame) and wear, dry, wet, blur or scratch it."""
    picture = _laid_down(pixels, random)
    for step in random.permutation(len(_DEGRADATIONS))[: random.integers(0, 4)]:
        picture = _DEGRADATIONS[step](picture, random, random.random())
    grey, contrast = picture.mean(), random.uniform(0.4, 1.1)
    spread: Vector = (picture - grey) * contrast + grey + random.normal(0, 10)
    return np.clip(spread, 0, 255).astype(np.uint8)


def _laid_down(pixels: Pixels, random: np.random.Generator) -> Vector:
    full = min(pixels.shape) < 300 or random.random() < 0.35
    height, width = pixels.shape if full else FRAME
    turn = cv2.getRotationMatrix2D(
        (pixels.shape[1] / 2, pixels.shape[0] / 2), random.normal(0, 10), random.uniform(0.9, 1.1)
    )
    turn[0, 2] += (width - pixels.shape[1]) / 2 + random.normal(0, width * 0.08)
    turn[1, 2] += (height - pixels.shape[0]) / 2 + random.normal(0, height * 0.08)
    return 255.0 - cv2.warpAffine(255 - pixels, turn, (width, height)).astype(np.float32)


def _grain(shape: tuple[int, ...], sigma: float, random: np.random.Generator) -> Vector:
    grain: Vector = random.standard_normal(shape).astype(np.float32)
    if sigma:
        grain = cv2.GaussianBlur(grain, (0, 0), sigma)
    return np.asarray(grain / grain.std())


def _blurred(picture: Vector, _: np.random.Generator, much: float) -> Vector:
    return cv2.GaussianBlur(picture, (0, 0), 0.6 + 2 * much)


def _noisy(picture: Vector, random: np.random.Generator, much: float) -> Vector:
    return picture + _grain(picture.shape, 0, random) * much * 60


def _worn(picture: Vector, random: np.random.Generator, much: float) -> Vector:
    gone = np.clip(_grain(picture.shape, 12, random) * 0.6 + much * 1.2 - 0.4, 0, 1)
    smooth = cv2.GaussianBlur(picture, (0, 0), 6) + _grain(picture.shape, 1.5, random) * 12
    return np.asarray(picture * (1 - gone) + smooth * gone)


def _dry(picture: Vector, random: np.random.Generator, much: float) -> Vector:
    holes = _grain(picture.shape, 1.5, random) > 2.2 - 1.6 * much
    return np.where(holes, 255 - (255 - picture) * 0.15, picture).astype(np.float32)


def _wet(picture: Vector, _: np.random.Generator, much: float) -> Vector:
    size = int(2 + much * 4)
    return cv2.erode(picture, np.ones((size, size)))


def _scratched(picture: Vector, random: np.random.Generator, much: float) -> Vector:
    height, width = picture.shape
    scratched = picture.copy()
    for _ in range(int(3 + much * 15)):
        x0, y0, x1, y1 = (random.uniform(0, 1, 4) * [width, height, width, height]).astype(int).tolist()
        cv2.line(scratched, (x0, y0), (x1, y1), 255.0, int(random.integers(1, 4)))
    return scratched


def _smeared(picture: Vector, random: np.random.Generator, much: float) -> Vector:
    size = int(3 + much * 14)
    kernel: Vector = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1 / size
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.uniform(0, 180), 1)
    kernel = cv2.warpAffine(kernel, turn, (size, size))
    return cv2.filter2D(picture, -1, np.asarray(kernel / max(float(kernel.sum()), 1e-3), np.float32))


def _lightly_touching(picture: Vector, random: np.random.Generator, much: float) -> Vector:
    height, width = picture.shape
    down, right = np.mgrid[0:height, 0:width]
    centre, radius = random.uniform(0.2, 0.8, 2) * picture.shape, (0.2 + 0.4 * much) * np.array(picture.shape)
    distance = ((down - centre[0]) / radius[0]) ** 2 + ((right - centre[1]) / radius[1]) ** 2
    return np.asarray(255 - (255 - picture) * np.clip(3 - 3 * distance, 0, 1), np.float32)


def degradation(name: str) -> Callable[[Vector, np.random.Generator, float], Vector]:
    """One way to spoil a picture, by its name; the last argument is how much, 0..1."""
    return next(each for each in _DEGRADATIONS if each.__name__ == name)


_DEGRADATIONS = (_blurred, _noisy, _worn, _dry, _wet, _scratched, _smeared, _lightly_touching)


def fit(known: Set) -> Model:
    mean, spread = known.features.mean(0), known.features.std(0) + 1e-9
    curved, straight = (_weights(each, known) for each in terms(known.features, mean, spread))
    return Model(mean, spread, curved, straight)


def _weights(numbers: Vector, known: Set) -> Vector:
    """Ridge regression; the constant is free."""
    penalty = np.eye(numbers.shape[1]) * RIDGE_PENALTY
    penalty[0, 0] = 0
    weighted = numbers * known.weight[:, None]
    solved: Vector = np.linalg.solve(weighted.T @ numbers + penalty, weighted.T @ known.scores)
    return solved


def join(a: Set, b: Set) -> Set:
    return Set(*(np.concatenate([getattr(a, field.name), getattr(b, field.name)]) for field in fields(Set)))


def leave_one_base_out(judged: Set, others: Set) -> Vector:
    """An estimate for each of `judged`, by a model fitted without any picture of its finger."""
    guesses = np.zeros(len(judged.scores))
    for base in np.unique(judged.base):
        known = join(judged.where(judged.base != base), others.where(others.base != base))
        model, unseen = fit(known), np.flatnonzero(judged.base == base)
        guesses[unseen] = [model.estimate(judged.features[i]) for i in unseen]
    return guesses


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
    every = leave_one_base_out(judged, others)
    guesses, scores, bases = (each[judged.judged] for each in (every, judged.scores, judged.base))
    of_base = {base: bases == base for base in np.unique(bases) if (bases == base).sum() >= FEW}
    return {
        "pictures": name,
        "count": len(guesses),
        "spearman": round(spearman(scores, guesses), 3),
        "by_base": {str(b): round(spearman(scores[own], guesses[own]), 3) for b, own in of_base.items()},
        "mean_error": round(float(np.abs(scores - guesses).mean()), 1),
        "auc_30": round(auc(scores, guesses), 3),
        "nfiq2_failed": len(every) - len(guesses),
        "of_those_estimated_30_or_more": int((every[~judged.judged] >= 30).sum()),
    }


def kept_or_made(per_finger: int) -> Set:
    if KEPT.is_file():
        with np.load(KEPT) as kept:
            return Set(**kept)
    with FingerScorer(locate(CHECKOUT / ".tools"), timeout_s=20) as scorer:
        made = made_pictures(scorer, per_finger)
    KEPT.parent.mkdir(exist_ok=True)
    np.savez(KEPT, **{field.name: getattr(made, field.name) for field in fields(made)})
    return made


def main(per_finger: int) -> None:
    made = kept_or_made(per_finger)
    shared = shared_pictures()
    model = fit(join(shared, made))
    constants = {
        "made_by": "benchmarks/finger_fit.py",
        "leave_one_base_out": [report("shared", shared, made), report("made", made, shared)],
        "mean": [round(value, 6) for value in model.mean.tolist()],
        "spread": [round(value, 6) for value in model.spread.tolist()],
        "curved": [round(value, 4) for value in model.curved.tolist()],
        "straight": [round(value, 4) for value in model.straight.tolist()],
    }
    CONSTANTS.write_text(json.dumps(constants, indent=1) + "\n")
    print(json.dumps(constants["leave_one_base_out"], indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 80)
