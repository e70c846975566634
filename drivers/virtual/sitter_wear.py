"""What a made-up person wears or holds before the face: glasses, a mask, a head-dress, a hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from drivers.virtual.sitter_paint import Look, paint
from drivers.virtual.sitter_shape import Canvas, Floats

LENS_AT, LENS_SIZE = (0.5, 0.04), (0.42, 0.29)
CLOTH_BLUE, SCARF = (0.52, 0.44, 0.30), (0.16, 0.11, 0.20)
GLARE = 5.0  # a lamp's reflection is far brighter than any skin


@dataclass(frozen=True, slots=True)
class Wear:
    """Nothing by default. `glare` 0..1 is how much of each lens reflects a lamp."""

    glasses: Literal["", "clear", "dark"] = ""
    glare: float = 0.0
    mask: bool = False
    scarf: bool = False
    hand: bool = False


NOTHING = Wear()


def paint_mask(canvas: Canvas, albedo: Floats, skull: Floats) -> Floats:
    """Paint a cloth mask from the bridge of the nose to the chin; return where it lies."""
    edge = np.interp(np.abs(canvas.u), (0, 0.25, 0.7, 1.2), (0.36, 0.46, 0.52, 0.62))
    where = canvas.inside((edge - canvas.v).astype(np.float32), 0.02) * skull
    folds = 1 + 0.06 * np.sin(canvas.v * 22) - 0.12 * np.exp(-np.square((canvas.v - edge - 0.05) / 0.02))
    paint(albedo, folds[..., None].astype(np.float32) * np.asarray(CLOTH_BLUE, np.float32), where)
    return where


def paint_glasses(canvas: Canvas, albedo: Floats, wear: Wear) -> None:
    """Frames, lenses that are clear or dark, and the reflection of a lamp on them."""
    for side in (-1, 1):
        u = (canvas.u - side * LENS_AT[0]) / LENS_SIZE[0]
        v = (canvas.v - LENS_AT[1]) / LENS_SIZE[1]
        reach = ((np.abs(u) ** 3 + np.abs(v) ** 3) ** (1 / 3) - 1).astype(np.float32) * LENS_SIZE[1]
        if wear.glasses == "dark":
            paint(albedo, (0.012, 0.012, 0.012), 0.97 * canvas.inside(reach, 0.01))
        if wear.glare > 0:
            spot = np.hypot(u + 0.1 * side, v + 0.05) - wear.glare
            paint(albedo, (GLARE,) * 3, canvas.inside(spot.astype(np.float32) * LENS_SIZE[1], 0.03))
        paint(albedo, (0.02, 0.02, 0.02), canvas.inside(np.abs(reach) - 0.022, 0.01))
    bridge = np.maximum(np.abs(canvas.u) - 0.1, np.abs(canvas.v - 0.0) - 0.02).astype(np.float32)
    paint(albedo, (0.02, 0.02, 0.02), canvas.inside(bridge, 0.01))


def scarf_mask(canvas: Canvas, head: Floats) -> Floats:
    """Where a head-dress lies: over hair, ears and neck, the face clear from brow to chin."""
    face = np.hypot(canvas.u / 1.04, (canvas.v - 0.42) / 1.40) - 1
    fall = np.interp(canvas.v, (0.6, 1.4, 1.9, 2.08), (1.34, 1.30, 1.10, 0.7))
    outline = np.where(canvas.v < 0.8, head - 0.2, np.abs(canvas.u) - fall).astype(np.float32)
    return canvas.inside(np.maximum(outline, -face).astype(np.float32), 0.02)


def scarf_colour(canvas: Canvas) -> Floats:
    """(height, width, 3): plain cloth with a few soft folds."""
    folds = 1 + 0.10 * np.sin(9 * np.hypot(canvas.u, canvas.v - 0.4) + 2 * canvas.u)
    return np.asarray(folds[..., None] * np.asarray(SCARF), np.float32)


def hand(canvas: Canvas, look: Look) -> tuple[Floats, Floats, Floats]:
    """Return albedo, height and alpha of a hand held before mouth and nose."""
    distance = np.hypot((canvas.u - 0.1) / 0.85, (canvas.v - 1.62) / 0.45).astype(np.float32) - 1
    distance *= 0.45
    for number in range(4):
        distance = np.minimum(distance, _finger(canvas, -0.45 + 0.33 * number, 0.42 + 0.06 * (number % 3)))
    alpha = canvas.inside(distance, 0.02)
    height = np.sqrt(np.clip(-distance, 0, 0.16) * 0.5).astype(np.float32) * 1.4
    shade = 1 - 0.35 * np.exp(np.minimum(distance, 0) / 0.02)
    albedo = shade[..., None] * np.asarray(look.skin, np.float32) * np.float32(0.95)
    return albedo.astype(np.float32), height, alpha


def _finger(canvas: Canvas, u: float, tip_v: float) -> Floats:
    """Distance to a finger, a capsule from its tip down to the palm."""
    along = np.clip(canvas.v, tip_v + 0.15, 1.6)
    return np.asarray(np.hypot(canvas.u - u, canvas.v - along) - 0.15, np.float32)
