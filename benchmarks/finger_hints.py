"""Are the hints right? The table of faults, and how often a picture of each fault gets its hint.

Thresholds were set on the pictures of TUNED; the figure is of the other base fingers of the shared set and
of made-up fingers, none of which was used. What a fault is follows from how the picture was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np

from benchmarks.finger_pictures import degradation, index_kinds, picture
from drivers.api import FingerImage, Pixels
from drivers.virtual.skin import POSITIONS, Finger, impression
from firmware.quality.finger import NotAFinger, measure

HINTS: dict[str, tuple[str, ...]] = {
    "dry0.5": ("moisten",),
    "dry1": ("moisten",),
    "wet3": ("dry", "press_less"),
    "wet5": ("dry", "press_less"),
    "motion11": ("hold_still",),
    "half": ("centre",),
    "third": ("centre",),
    "contrast20": ("press_more",),
}
"""Kind of fault → the hints that mend it. Wear, scars and noise are in no line: nothing that a person can
do mends them, the best of three attempts is taken. Half contrast and 1.5 px of blur leave a good print."""

TUNED = ("sfinge_01.png", "nist_cmp00001.png", "nist_cmp00007.png")
SEEDS = range(400, 420)
MADE = {"dry1": "_dry", "wet5": "_wet", "motion11": "_smeared"}
"""Faults that are made anew on made-up fingers, by the function of `finger_pictures` that makes them."""


def shared(tuned: bool) -> Iterator[tuple[str, Pixels]]:
    """(kind, picture) of the mapped kinds, of the fingers that were or were not used to set thresholds."""
    for file, base, kind in index_kinds():
        if kind in HINTS and (base in TUNED) is tuned:
            yield kind, picture(file).pixels


def made() -> Iterator[tuple[str, Pixels]]:
    """The mapped faults on made-up fingers, at the sensor's size."""
    for seed in SEEDS:
        finger = Finger(seed, POSITIONS[seed % len(POSITIONS)])
        random, plain = np.random.default_rng(seed), impression(finger, 1)
        for kind, name in MADE.items():
            spoiled = degradation(name)(plain.astype(np.float32), random, float(random.uniform(0.5, 1)))
            yield kind, np.clip(spoiled, 0, 255).astype(np.uint8)
        half = plain.copy()
        half[:, 192:] = 250
        yield "half", half
        yield "contrast20", (255 - (255 - plain.astype(np.float32)) * 0.2).astype(np.uint8)


@cache
def accuracy() -> dict[str, tuple[float, int]]:
    """Share of right hints and how many pictures, by set."""
    sets = {"tuned": shared(True), "unseen": shared(False), "made_up": made()}
    return {name: _right(pictures) for name, pictures in sets.items()}


def _right(pictures: Iterator[tuple[str, Pixels]]) -> tuple[float, int]:
    told: Counter[bool] = Counter()
    for kind, pixels in pictures:
        try:
            cause = measure(FingerImage(pixels)).cause
        except NotAFinger as nothing:
            cause = nothing.reason
        told[cause in HINTS[kind]] += 1
    return told[True] / max(1, told.total()), told.total()
