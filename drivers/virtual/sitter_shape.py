"""The form of a made-up head: a height map over the face plane, drawn from mean adult proportions.

Lengths are in eye distances (pupil to pupil, about 63 mm), u to the right and v down, from the middle
between the eyes. Nobody's face was measured, scanned or traced for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

CHIN_V = 1.78
HEAD_DEPTH = 1.3  # the ears lie some 82 mm behind the middle of the face
CROWN_V = -1.72
OUTLINE_V = (-0.6, -0.3, 0.1, 0.5, 0.85, 1.1, 1.3, 1.47, 1.6, 1.70)
OUTLINE_U = (1.15, 1.15, 1.14, 1.10, 1.02, 0.94, 0.86, 0.77, 0.70, 0.65)


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A raster over the face plane: `u`, `v` (height, width) float32, `scale` pixels an eye distance."""

    u: Floats
    v: Floats
    scale: float

    @classmethod
    def over(cls, left: float, top: float, right: float, bottom: float, scale: float) -> Canvas:
        across = np.arange(left, right, 1 / scale, dtype=np.float32)
        down = np.arange(top, bottom, 1 / scale, dtype=np.float32)
        u, v = np.meshgrid(across, down)
        return cls(u, v, scale)

    def inside(self, distance: Floats, soft: float = 0.0) -> Floats:
        """Return 1 where `distance` (eye distances, negative inside) says inside, with a smooth edge."""
        width = max(soft, 1.2 / self.scale)
        return _smooth(np.clip(0.5 - distance / width, 0, 1))

    def bump(self, at: tuple[float, float], size: tuple[float, float]) -> Floats:
        """Return a Gaussian hill of height 1."""
        across, down = (self.u - at[0]) / size[0], (self.v - at[1]) / size[1]
        return np.asarray(np.exp(-(across * across + down * down)), np.float32)

    def pair(self, at: tuple[float, float], size: tuple[float, float]) -> Floats:
        """Return two hills, left and right of the nose."""
        return self.bump(at, size) + self.bump((-at[0], at[1]), size)


def _smooth(t: Floats) -> Floats:
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def half_width(v: Floats, width: float, jaw: float) -> Floats:
    """Return half the width of the head at each height `v`; `jaw` > 1 makes the lower face broader."""
    fine = np.linspace(-2.0, 2.0, 801)
    kernel = np.exp(-np.square(np.linspace(-2.5, 2.5, 61)))
    table = np.convolve(np.interp(fine, OUTLINE_V, OUTLINE_U), kernel / kernel.sum(), mode="same")
    crown = np.sqrt(np.clip(1 - np.square(np.minimum(fine + 0.6, 0) / (0.6 + CROWN_V)), 0, 1))
    chin = np.sqrt(np.clip(1 - np.square(np.maximum(fine - 1.2, 0) / (CHIN_V - 1.2)), 0, 1))
    table *= crown * chin * width * np.interp(fine, (0.3, 1.3), (1.0, jaw))
    return np.interp(v, fine, table).astype(np.float32)


def head_distance(canvas: Canvas, width: float, jaw: float) -> Floats:
    """Return the distance to the outline of the head, negative inside."""
    reach = half_width(canvas.v, width, jaw)
    inside = (np.abs(canvas.u) < reach).astype(np.uint8)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return ((without - within) / canvas.scale).astype(np.float32)


def head_height(canvas: Canvas, width: float, jaw: float, nose: float, mouth_open: float) -> Floats:
    """Return how far each point of the face stands out towards the viewer."""
    across = np.clip(np.abs(canvas.u) / np.maximum(half_width(canvas.v, width, jaw), 0.02), 0, 1)
    profile = np.interp(
        canvas.v,
        (CROWN_V, -1.55, -1.2, -0.7, 0.0, 0.9, 1.4, 1.65, CHIN_V),
        (0.05, 0.45, 0.80, 0.98, 1.0, 0.98, 0.93, 0.80, 0.45),
    )
    height = HEAD_DEPTH * profile * np.sqrt(1 - across**2.2)
    height += _eyes_and_cheeks(canvas) + _nose(canvas, nose) + _mouth(canvas, mouth_open)
    return np.asarray(cv2.GaussianBlur(height.astype(np.float32), (0, 0), 0.018 * canvas.scale))


def _eyes_and_cheeks(canvas: Canvas) -> Floats:
    sockets = -0.10 * canvas.pair((0.46, -0.03), (0.30, 0.16))
    eyeballs = 0.075 * canvas.pair((0.5, 0.0), (0.20, 0.13))
    brows = 0.045 * canvas.pair((0.5, -0.33), (0.34, 0.12))
    cheeks = 0.07 * canvas.pair((0.66, 0.50), (0.30, 0.26))
    temples = -0.05 * canvas.pair((1.0, -0.45), (0.22, 0.4))
    return np.asarray(sockets + eyeballs + brows + cheeks + temples)


def _nose(canvas: Canvas, size: float) -> Floats:
    down = np.clip((canvas.v + 0.25) / 0.95, 0, 1)
    below = np.clip((canvas.v - 0.70) / 0.15, 0, 1)
    ridge = (0.05 + 0.24 * down**1.3) * (1 - _smooth(below.astype(np.float32)))
    ridge *= np.exp(-np.square(canvas.u / (0.11 + 0.06 * down))) * _smooth(
        np.clip((canvas.v + 0.75) / 0.5, 0, 1)
    )
    tip = 0.10 * canvas.bump((0, 0.68), (0.14, 0.11))
    wings = 0.10 * canvas.pair((0.19, 0.74), (0.10, 0.09))
    return np.asarray(size * (ridge + tip + wings))


def _mouth(canvas: Canvas, mouth_open: float) -> Floats:
    upper = 0.07 * canvas.bump((0, 1.10), (0.28, 0.055))
    lower = 0.085 * canvas.bump((0, 1.255 + 0.28 * mouth_open), (0.24, 0.065))
    line = -0.05 * canvas.bump((0, 1.175), (0.36, 0.025))
    philtrum = -0.018 * canvas.bump((0, 0.98), (0.05, 0.08))
    fold = -0.05 * canvas.bump((0, 1.40), (0.25, 0.07))
    chin = 0.07 * canvas.bump((0, 1.58), (0.24, 0.14))
    corners = -0.03 * canvas.pair((0.43, 1.17), (0.06, 0.07))
    return np.asarray(upper + lower + line + philtrum + fold + chin + corners)
