"""The live measure of a finger: how long a frame takes, and how far its estimate of NFIQ 2 can be trusted."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.figure import About, figure
from benchmarks.finger_bank import impressions
from benchmarks.finger_fit import auc, spearman
from benchmarks.finger_pictures import FRAME, nfiq2, picture
from drivers.api import FingerImage
from firmware.quality.finger import NotAFinger, measure
from firmware.quality.finger_model import WORTH
from firmware.quality.nbis.runtime import ScorerMissing

Row = dict[str, Any]


def cpu_ms(act: Callable[[], object], rounds: int) -> float:
    """Median CPU time of `act`, which has run once before: what others do on the machine does not count."""
    act()
    times: list[float] = []
    for _ in range(rounds):
        began = time.thread_time()
        act()
        times.append(time.thread_time() - began)
    return 1000 * statistics.median(times)


def preview_ms(rounds: int = 40) -> Row:
    """Median time to measure one frame at the sensor's size."""
    height, width = FRAME
    image = FingerImage(picture("sfinge_01.png").pixels[100 : 100 + height, 16 : 16 + width])
    value = cpu_ms(lambda: measure(image), rounds)
    return dict(figure("finger.preview_ms", value, "ms", 8, "FFT-based estimate with a linear fit", 9.6))


def preview_worth() -> list[Row]:
    """Estimate and true NFIQ 2, each finger judged by a model that never saw it.

    Made together with the model's constants; `python -m benchmarks.finger_fit` makes them anew.
    """
    shared, made = json.loads(WORTH.read_text())["leave_one_base_out"]
    spread = shared["by_base"].values()
    return [
        dict(figure("finger.preview_spearman", shared["spearman"], "rho", 0.8, "afis compute_nfiq2", 0.70)),
        dict(figure("finger.preview_spearman.worst_base", min(spread), "rho")),
        dict(figure("finger.preview_spearman.best_base", max(spread), "rho")),
        dict(figure("finger.preview_spearman.degraded", made["spearman"], "rho")),
        dict(figure("finger.preview_auc30", shared["auc_30"], "auc", 0.9, "FFT-based, not left out", 0.91)),
    ]


def preview_made_up() -> list[Row]:
    """The same of made-up fingers, no picture of which took part in any choice."""
    rows = [
        dict(figure("finger.preview_made_up", None, "rho", 0.8)),
        dict(figure("finger.preview_made_up.auc30", None, "auc")),
    ]
    images = impressions()
    try:
        true = nfiq2(images)
    except ScorerMissing as exc:
        return [row | {"why": str(exc)} for row in rows]
    pairs = [
        (score, _estimate(image)) for image, score in zip(images, true, strict=True) if score is not None
    ]
    scores, guesses = np.array(pairs, float).T
    values = (spearman(scores, guesses), auc(scores, guesses))
    return [row | {"value": round(value, 3)} for row, value in zip(rows, values, strict=True)]


def _estimate(image: FingerImage) -> int:
    try:
        return measure(image).score
    except NotAFinger:
        return 0


ABOUT: Mapping[str, About] = {
    "finger.preview_ms": About(
        "measuring one frame of the sensor's size, CPU time",
        cpu=True,
        limit=128,
        limit_of="the sensor's own frame time",
    ),
    "finger.preview_spearman": About(
        "rank correlation of the preview's estimate with NFIQ 2, leave-one-base-finger-out; nine base fingers"
        " were all there is, and the numbers that the estimate is made of were chosen on the same nine."
        " `degraded` are made-up degradations of them",
        more=True,
    ),
    "finger.preview_auc30": About(
        "how well the estimate tells NFIQ 2 ≥ 30 from less, left out likewise", more=True
    ),
    "finger.preview_made_up": About(
        "the same rank correlation on 200 impressions of made-up fingers, good, dry, wet and worn, none of"
        " which was used in any choice; an impression that is seen as no finger counts as 0",
        more=True,
        simulated="fingers",
    ),
}
