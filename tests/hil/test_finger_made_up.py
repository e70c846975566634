"""Made-up fingers against NFIQ 2 and a real matcher: good enough to be taken, and each its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import median

import pytest

from drivers.api import FingerImage
from drivers.virtual.skin import POSITIONS, Finger, impression
from firmware.quality.nbis.client import FingerScorer
from firmware.quality.nbis.runtime import ScorerMissing, locate

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
SAME, OTHER = 40, 19  # from here on the same finger; below, another one
PERSONS = (1, 2)


@pytest.fixture(scope="module")
def scorer() -> Iterator[FingerScorer]:
    try:
        runtime = locate(TOOLS)
    except ScorerMissing as missing:
        pytest.skip(str(missing))
    with FingerScorer(runtime) as scorer:
        yield scorer


def touch(seed: int, position: str, n: int, **trouble: float) -> FingerImage:
    return FingerImage(impression(Finger(seed, position), n, **trouble))  # type: ignore[arg-type]


def test_clean_fingers_score_like_good_ones(scorer: FingerScorer) -> None:
    scores = [scorer.nfiq2(touch(1, position, 1)) for position in POSITIONS]
    assert min(scores) >= 35
    assert 45 <= median(scores) <= 75


def test_worn_fingers_score_badly(scorer: FingerScorer) -> None:
    scores = [scorer.nfiq2(touch(1, position, 1, worn=0.9)) for position in POSITIONS[:4]]
    assert max(scores) < 30


def test_a_finger_matches_itself_and_hardly_any_other(scorer: FingerScorer) -> None:
    fingers = [(seed, position) for seed in PERSONS for position in POSITIONS]
    first = {finger: scorer.template(touch(*finger, 1)) for finger in fingers}
    genuine = [scorer.compare(first[f], scorer.template(touch(*f, 2))) for f in fingers]
    impostor = [scorer.compare(first[a], first[b]) for a, b in combinations(fingers, 2)]
    assert min(genuine) >= SAME
    assert max(impostor) < SAME
    assert sum(score >= OTHER for score in impostor) / len(impostor) < 0.03
