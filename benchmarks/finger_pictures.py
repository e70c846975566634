"""Finger pictures with their true NFIQ 2.3 scores: the shared ones, and made-up degradations of those.

A score is kept by its picture's SHA-256 in `var/finger_scores.json`: only what was never scored is.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.api import FingerImage, Pixels
from firmware.quality.nbis.client import FingerScorer, ScoreFailed
from firmware.quality.nbis.runtime import locate

Vector = NDArray[Any]
Scored = tuple[FingerImage, int | None, str]
"""A picture, its NFIQ 2 score (None: it fails), and the finger it is of."""

CHECKOUT = Path(__file__).resolve().parents[1]
FINGERS = Path(os.environ.get("IDKIOSK_TEST_DATA", CHECKOUT.parent / "shared" / "data")) / "fingers"
KEPT = CHECKOUT / "var" / "finger_scores.json"
FRAME = (290, 384)  # of a U.are.U 4500
SEED = 45  # of the first round; the others follow
A_ROUND = 80  # pictures of each finger


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


def shared_pictures() -> list[Scored]:
    return [(picture(file), score, base) for file, base, score in index()]


def made_pictures(rounds: int) -> list[Scored]:
    """Degradations of each finger that stands in the index by itself, scored by NFIQ 2."""
    bases = sorted({base for _, base, score in index() if score is not None})
    made = [
        (FingerImage(degrade(picture(base).pixels, random)), base)
        for random in map(np.random.default_rng, range(SEED, SEED + rounds))
        for base in bases
        for _ in range(A_ROUND)
    ]
    scores = nfiq2([image for image, _ in made])
    return [(image, score, base) for (image, base), score in zip(made, scores, strict=True)]


def nfiq2(images: list[FingerImage]) -> list[int | None]:
    """The true score of each, a fifth of a second for one that was not scored before."""
    names = [hashlib.sha256(image.pixels.tobytes()).hexdigest() for image in images]
    kept: dict[str, int | None] = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    new = {name: image for name, image in zip(names, images, strict=True) if name not in kept}
    if new:
        with FingerScorer(locate(CHECKOUT / ".tools"), timeout_s=20) as scorer:
            kept |= {name: _score(scorer, image) for name, image in new.items()}
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept))
    return [kept[name] for name in names]


def _score(scorer: FingerScorer, image: FingerImage) -> int | None:
    try:
        return scorer.nfiq2(image)
    except ScoreFailed:
        return None


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
