"""Which way the ridges of a made-up finger run, and how far apart.

After Sherlock and Monro (1993) the orientation is that of a field with a zero at each core and a pole at each
delta. Around a core it is bent (as Vizcaya and Gerhardt 1996 do) towards semicircles above and parallels
below, the only recurving pattern whose ridges keep their distance. Where they cannot, the period gives way
a little, as it does in skin, so that fewer ridges have to begin or end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Coarse = NDArray[np.float64]

CORE, DELTA = 0.5, -0.5  # turns of the orientation around the point
STEP_PX = 8  # the period is computed on a coarser grid
PERIOD_RANGE = 0.15  # how far it gives way, natural logarithm
SMOOTHNESS, RESTORE = 0.02, 0.005
SOLVER_STEPS = 60


class Pattern(Enum):
    """The classes of Henry (1900), loops told apart by the side they open to."""

    ARCH = "arch"
    TENTED_ARCH = "tented arch"
    LEFT_LOOP = "left loop"
    RIGHT_LOOP = "right loop"
    WHORL = "whorl"


@dataclass(frozen=True, slots=True)
class Singularity:
    """A core or delta, pixels from the middle, y downwards; `bend` and `reach_px` shape a core."""

    x: float
    y: float
    index: float
    bend: float = 0.0
    reach_px: float = 100.0

    def turn(self, x: Field | float, y: Field | float) -> Field:
        """The direction from here to (x, y), radians, counter-clockwise."""
        return np.asarray(np.arctan2(self.y - y, x - self.x), np.float32)


@dataclass(frozen=True, slots=True)
class Flow:
    """A pattern's points, its tilt, and the rise of an arch."""

    points: Sequence[Singularity] = ()
    tilt: float = 0.0
    arch_px: float = 0.0
    tallness: float = 1.0


def draw(pattern: Pattern, rng: np.random.Generator) -> Flow:
    """Return one of the many flows of this pattern."""
    tilt, tallness = float(rng.normal(0, 0.3)), float(np.exp(rng.normal(0, 0.12)))
    if pattern is Pattern.ARCH:
        return Flow((), tilt, float(rng.uniform(40, 120)), tallness)
    x, y = rng.normal((0, -12), 45)
    if pattern is Pattern.TENTED_ARCH:
        points = [_core(rng, x, y), _delta(rng, x, y + rng.uniform(45, 110), 8)]
    elif pattern is Pattern.WHORL:
        half, lean = rng.uniform(8, 38), rng.normal(0, 0.4)
        dx, dy = half * np.sin(lean), half * np.cos(lean)
        points = [_core(rng, x - dx, y - dy), _core(rng, x + dx, y + dy)]
        points += [_delta(rng, -108, 112, 24), _delta(rng, 108, 112, 24)]
    else:
        side = -1 if pattern is Pattern.RIGHT_LOOP else 1
        away, below = rng.uniform(65, 125), rng.uniform(85, 145)
        points = [_core(rng, x, y), _delta(rng, x + side * away, y + below, 0)]
    return Flow(points, tilt, 0.0, tallness)


def orientation(flow: Flow, wobble: Field) -> Field:
    """Return the ridge angle at each pixel, radians, counter-clockwise from the x axis; defined modulo π."""
    y, x = np.mgrid[: wobble.shape[0], : wobble.shape[1]].astype(np.float32)
    x -= np.float32(wobble.shape[1] / 2)
    y = (y - np.float32(wobble.shape[0] / 2)) * np.float32(flow.tallness)
    angle = wobble + np.float32(flow.tilt) + _arch(flow.arch_px, x, y)
    for point in flow.points:
        angle += np.float32(point.index) * (point.turn(x, y) - _recurve(point, flow, x, y))
    return np.asarray(angle, np.float32)


def period(angle: Field, mean_px: float) -> Field:
    """Return the ridge distance in pixels that spares the most beginnings and endings.

    Ridges of frequency f = exp(v) neither begin nor end where t·∇v = −n·∇θ, t along and n across them; solved
    for v by least squares with conjugate gradients, smooth and near zero.
    """
    a = -angle[::STEP_PX, ::STEP_PX].astype(np.float64)
    along_x, along_y = np.cos(a), np.sin(a)
    bend_x, bend_y = _angle_gradient(a)
    trust = 1 / (1 + (np.hypot(bend_x, bend_y) / 0.5) ** 2)
    forced = along_y * bend_x - along_x * bend_y

    def apply(v: Coarse) -> Coarse:
        dx, dy = _forward(v)
        change = trust * (along_x * dx + along_y * dy)
        return _backward(along_x * change + SMOOTHNESS * dx, along_y * change + SMOOTHNESS * dy) + RESTORE * v

    v = _conjugate_gradients(apply, _backward(along_x * trust * forced, along_y * trust * forced))
    v = PERIOD_RANGE * np.tanh((v - np.median(v)) / PERIOD_RANGE)
    fine = cv2.resize(v.astype(np.float32), angle.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(mean_px * np.exp(-fine), np.float32)


def _core(rng: np.random.Generator, x: float, y: float) -> Singularity:
    return Singularity(float(x), float(y), CORE, float(rng.uniform(0.6, 1.05)), float(rng.uniform(60, 160)))


def _delta(rng: np.random.Generator, x: float, y: float, spread: float) -> Singularity:
    dx, dy = rng.normal(0, spread, 2) if spread else (0.0, 0.0)
    return Singularity(float(x + dx), float(y + dy), DELTA)


def _recurve(point: Singularity, flow: Flow, x: Field, y: Field) -> Field:
    """How far the turn around a core is bent: about its axis, and less with distance."""
    others = sum(
        other.index * float(other.turn(point.x, point.y)) for other in flow.points if other is not point
    )
    axis = np.float32(2 * (flow.tilt + others))
    near = np.exp(-((x - point.x) ** 2 + (y - point.y) ** 2) / np.float32(point.reach_px**2))
    return np.asarray(np.float32(point.bend) * near * np.sin(point.turn(x, y) - axis), np.float32)


def _arch(rise_px: float, x: Field, y: Field) -> Field:
    """The slope of bell-shaped ridges that flatten towards the tip and the crease."""
    width, height = np.float32(75), np.float32(110)
    rise = np.float32(rise_px) * np.exp(-(((y - 40) / height) ** 2))
    return np.asarray(np.arctan(-2 * x / width**2 * rise * np.exp(-((x / width) ** 2))), np.float32)


def _angle_gradient(a: Coarse) -> tuple[Coarse, Coarse]:
    """The gradient of an angle that is defined modulo π."""
    cos, sin = np.cos(2 * a), np.sin(2 * a)
    (cos_y, cos_x), (sin_y, sin_x) = np.gradient(cos), np.gradient(sin)
    return (cos * sin_x - sin * cos_x) / 2, (cos * sin_y - sin * cos_y) / 2


def _forward(v: Coarse) -> tuple[Coarse, Coarse]:
    return np.diff(v, axis=1, append=v[:, -1:]), np.diff(v, axis=0, append=v[-1:])


def _backward(fx: Coarse, fy: Coarse) -> Coarse:
    """The adjoint of `_forward`."""
    out = np.zeros_like(fx)
    out[:, :-1] -= fx[:, :-1]
    out[:, 1:] += fx[:, :-1]
    out[:-1] -= fy[:-1]
    out[1:] += fy[:-1]
    return out


def _conjugate_gradients(apply: Callable[[Coarse], Coarse], target: Coarse) -> Coarse:
    """Solve apply(v) = target for a symmetric positive operator (Hestenes and Stiefel 1952)."""
    v, rest = np.zeros_like(target), target.copy()
    step, size = rest.copy(), float((rest * rest).sum())
    for _ in range(SOLVER_STEPS):
        if size < 1e-12:
            break
        image = apply(step)
        length = size / float((step * image).sum())
        v += length * step
        rest -= length * image
        size, before = float((rest * rest).sum()), size
        step = rest + size / before * step
    return v
