"""Finger quality: NFIQ 2 against the reference scores, and the preview's speed and worth.

Each function returns one figure as `{"name", "value", "unit", "aim", "peer", "peer_value"}`; `value` is None
with a `why` where it cannot be measured on this machine.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping

from benchmarks.figure import About, say
from benchmarks.finger_fit import CHECKOUT, FRAME, index, picture
from drivers.api import FingerImage
from firmware.quality.finger import measure
from firmware.quality.finger_model import CONSTANTS
from firmware.quality.nbis.client import FingerScorer, ScoreFailed
from firmware.quality.nbis.runtime import ScorerMissing, locate

Figure = dict[str, object]

SAID_EVERY = 40


def nfiq2_equal() -> Figure:
    """Share of the shared pictures whose score (or failure) is exactly the reference build's."""
    figure = _figure("finger.nfiq2_equal", "share", 1.0, "NIST NFIQ 2.3 reference build", 1.0)
    try:
        runtime = locate(CHECKOUT / ".tools")
    except ScorerMissing as exc:
        return figure | {"why": str(exc)}
    times_ms: list[float] = []
    equal: list[bool] = []
    with FingerScorer(runtime, timeout_s=30) as scorer:
        for number, (file, _, score) in enumerate(index()):
            if number % SAID_EVERY == 0:
                say(f"picture {number + 1} by NFIQ 2")
            image, start = picture(file), time.perf_counter()
            try:
                got = scorer.nfiq2(image)
            except ScoreFailed:
                got = None
            times_ms.append((time.perf_counter() - start) * 1e3)
            equal.append(got == score)
    return figure | {
        "value": statistics.mean(equal),
        "count": len(equal),
        "median_ms": round(statistics.median(times_ms), 1),
    }


def preview_ms(rounds: int = 50) -> Figure:
    """Median time to measure one frame at the sensor's size."""
    height, width = FRAME
    image = FingerImage(picture("sfinge_01.png").pixels[100 : 100 + height, 16 : 16 + width])
    measure(image)
    wall_ms, cpu_ms = [], []
    for _ in range(rounds):
        start, cpu = time.perf_counter(), time.process_time()
        measure(image)
        wall_ms.append((time.perf_counter() - start) * 1e3)
        cpu_ms.append((time.process_time() - cpu) * 1e3)
    figure = _figure("finger.preview_ms", "ms", 10, "FFT-based estimate with a linear fit", 9.6)
    return figure | {
        "value": round(statistics.median(wall_ms), 2),
        "cpu_ms": round(statistics.median(cpu_ms), 2),
    }


def preview_spearman() -> Figure:
    """Rank correlation of estimate and true NFIQ 2, each finger judged by a model that never saw it.

    The figure was made together with the model's constants; `python -m benchmarks.finger_fit` makes it anew.
    """
    shared, made = json.loads(CONSTANTS.read_text())["leave_one_base_out"]
    figure = _figure("finger.preview_spearman", "rho", 0.8, "afis compute_nfiq2", 0.70)
    return figure | {"value": shared["spearman"], "shared": shared, "made": made}


ABOUT: Mapping[str, About] = {
    "finger.nfiq2_equal": About(
        "share of the shared pictures with exactly the reference build's score, or its refusal", more=True
    ),
    "finger.preview_ms": About(
        "measuring one frame of the sensor's size",
        cpu=True,
        limit=128,
        limit_of="the sensor's own frame time",
    ),
    "finger.preview_spearman": About(
        "rank correlation of the preview's estimate with NFIQ 2; no finger was learnt from", more=True
    ),
}

FIGURES: tuple[Callable[[], Figure], ...] = (nfiq2_equal, preview_ms, preview_spearman)


def _figure(name: str, unit: str, aim: float, peer: str, peer_value: float) -> Figure:
    return {
        "name": name,
        "value": None,
        "unit": unit,
        "aim": aim,
        "peer": peer,
        "peer_value": peer_value,
    }
