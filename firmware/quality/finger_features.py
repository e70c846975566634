"""All numbers of a finger's picture that the estimate of NFIQ 2 is made of.

Three parts: eleven chosen ones of the blocks (they enter the polynomial and so come first), what each measure
of a block is over the finger, and how whole the ridges are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware.quality.finger_texture import BLOCK_CM, Texture
from firmware.quality.finger_topology import topology

Vector = NDArray[np.float64]

CURVED = 11
"""So many of the numbers enter the polynomial; the others enter the linear model."""
MEASURES = (
    "ridge", "coherence", "frequency", "high", "low", "smoothness", "dark", "peak", "deviation", "skew",
    "mean",
)  # fmt: skip
CLEAR_RIDGES = (0.3, 0.5, 0.7, 0.85)


def features(found: Texture) -> Vector:
    """The numbers, (138,)."""
    return np.concatenate([_chosen(found), _everywhere(found), topology(found.grey, found.skin)])


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
