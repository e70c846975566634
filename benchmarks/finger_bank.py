"""Made-up fingers, each scored by NFIQ 2.3 and compared by nbis: what the simulation and the plots draw from.

    python -m benchmarks.finger_bank

Kept in `var/finger_bank.json` for the next run; about four minutes on two slow cores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.figure import say
from benchmarks.finger_pictures import CHECKOUT
from drivers.api import FingerImage
from drivers.virtual.skin import POSITIONS, SIZES, Finger, impression
from firmware.quality.nbis.client import FingerScorer, ScoreFailed
from firmware.quality.nbis.runtime import locate

KEPT = CHECKOUT / "var" / "finger_bank.json"
FINGERS_A_KIND = 10
SKINS: dict[str, dict[str, tuple[float, float]]] = {
    "good": {"dry": (0.0, 0.25), "pressure": (0.35, 0.7)},
    "dry": {"dry": (0.5, 0.9), "pressure": (0.3, 0.6)},
    "wet": {"wet": (0.4, 0.9), "pressure": (0.4, 0.8)},
    "worn": {"worn": (0.5, 0.95), "pressure": (0.3, 0.7)},
}
"""State of the skin → from where to where each property is drawn."""
PEOPLE = range(500, 503)


def bank() -> dict[str, Any]:
    """`scores`: kind of finger → skin → NFIQ 2 (None: failed); `genuine` and `impostor`: similarities."""
    if not KEPT.is_file():
        KEPT.parent.mkdir(exist_ok=True)
        with FingerScorer(locate(CHECKOUT / ".tools"), timeout_s=60) as scorer:
            made = {"scores": _scores(scorer), **_similarities(scorer)}
        KEPT.write_text(json.dumps(made))
    loaded: dict[str, Any] = json.loads(KEPT.read_text())
    return loaded


def impressions() -> list[FingerImage]:
    """All whose scores the bank holds."""
    return [image for kind in SIZES for skin in SKINS for image in _images(kind, skin)]


def _scores(scorer: FingerScorer) -> dict[str, dict[str, list[int | None]]]:
    found: dict[str, dict[str, list[int | None]]] = {}
    for kind in SIZES:
        say(f"made-up {kind} fingers by NFIQ 2")
        found[kind] = {skin: [_score(scorer, image) for image in _images(kind, skin)] for skin in SKINS}
    return found


def _images(kind: str, skin: str) -> Iterator[FingerImage]:
    for number in range(FINGERS_A_KIND):
        random = np.random.default_rng([number, *kind.encode(), *skin.encode()])
        ways = {name: float(random.uniform(*span)) for name, span in SKINS[skin].items()}
        yield FingerImage(impression(Finger(700 + number, f"right_{kind}"), number, **ways))  # type: ignore[arg-type]


def _score(scorer: FingerScorer, image: FingerImage) -> int | None:
    try:
        return scorer.nfiq2(image)
    except ScoreFailed:
        return None


def _similarities(scorer: FingerScorer) -> dict[str, list[int]]:
    say("made-up fingers compared")
    fingers = [Finger(seed, position) for seed in PEOPLE for position in POSITIONS]
    first, second = (
        [scorer.template(FingerImage(impression(finger, touch, dry=0.05))) for finger in fingers]
        for touch in (1, 2)
    )
    return {
        "genuine": [scorer.compare(a, b) for a, b in zip(first, second, strict=True)],
        "impostor": [scorer.compare(a, b) for a, b in combinations(first, 2)],
    }


if __name__ == "__main__":
    bank()
