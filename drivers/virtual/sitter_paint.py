"""The colours of a made-up face: skin, eyes, brows, mouth, hair. All reflectances are linear BGR, 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from drivers.virtual.sitter_shape import Canvas, Floats

Colour = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What stays the same about one made-up person; colours linear BGR."""

    seed: int
    skin: Colour
    hair: Colour
    cloth: Colour
    width: float
    jaw: float
    nose: float
    eye_open: float
    lid_crease: float
    brow: float
    lips: float
    long_hair: bool

    @classmethod
    def of(cls, seed: int, tone: float | None = None) -> Look:
        """Make up the person number `seed`; the same number is the same person for ever.

        `tone` 0..1, light to dark, gives the same person another skin.
        """
        rng = np.random.default_rng([0x51_77_E2, seed])
        own = rng.uniform(0.0, 0.7) * 0.6
        skin = _skin(own if tone is None else tone)
        cloths = ((0.26, 0.13, 0.06), (0.10, 0.10, 0.11), (0.17, 0.20, 0.10), (0.14, 0.07, 0.25))
        long_hair = bool(rng.random() < 0.5)
        return cls(
            seed=seed,
            skin=_colour(skin),
            hair=_colour(np.array((0.012, 0.014, 0.018)) * rng.uniform(0.8, 2.2)),
            cloth=cloths[int(rng.integers(len(cloths)))],
            width=float(rng.uniform(0.96, 1.04)),
            jaw=float(rng.uniform(0.90, 0.97) if long_hair else rng.uniform(0.96, 1.05)),
            nose=float(rng.uniform(0.85, 1.1)),
            eye_open=float(rng.uniform(0.92, 1.12)),
            lid_crease=float(rng.uniform(0.3, 1.0)),
            brow=float(rng.uniform(0.6, 0.8) if long_hair else rng.uniform(0.85, 1.15)),
            lips=float(rng.uniform(0.6, 1.0) if long_hair else rng.uniform(0.2, 0.5)),
            long_hair=long_hair,
        )


def _skin(tone: float) -> Floats:
    """Reflectance from light to dark: the middle is a Southeast Asian complexion, the end a dark African."""
    tones = np.array(((0.335, 0.46, 0.72), (0.125, 0.215, 0.42), (0.045, 0.075, 0.155)))
    return np.array([np.interp(tone, (0, 0.6, 1), channel) for channel in tones.T])


def _colour(values: Floats) -> Colour:
    return float(values[0]), float(values[1]), float(values[2])


def paint(albedo: Floats, colour: Colour | Floats, where: Floats) -> None:
    """Lay `colour` over `albedo` (height, width, 3) in place, as much as `where` (0..1) says."""
    albedo += where[..., None] * (np.asarray(colour, np.float32) - albedo)


def grain(canvas: Canvas, seed: int, size: float) -> Floats:
    """Return smooth noise of unit variance whose blobs are about `size` eye distances wide."""
    rng = np.random.default_rng(seed)
    cell = max(1.0, size * canvas.scale)
    rows, columns = (int(np.ceil(length / cell)) + 3 for length in canvas.u.shape)
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    full = cv2.resize(coarse, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(full[: canvas.u.shape[0], : canvas.u.shape[1]])


def paint_skin(canvas: Canvas, look: Look) -> Floats:
    """Return (height, width, 3): skin with the red of cheeks, nose and ears, and fine pores."""
    albedo = np.broadcast_to(np.asarray(look.skin, np.float32), (*canvas.u.shape, 3)).copy()
    mottle = 0.025 * grain(canvas, look.seed + 1, 0.12) + 0.03 * grain(canvas, look.seed + 2, 0.02)
    albedo *= 1 + mottle[..., None]
    blood = 0.5 * canvas.pair((0.66, 0.52), (0.32, 0.26)) + 0.45 * canvas.bump((0, 0.68), (0.2, 0.16))
    blood += 0.5 * canvas.pair((1.2, 0.3), (0.12, 0.5))
    albedo *= 1 - blood[..., None] * np.array((0.16, 0.14, 0.0), np.float32)
    shade = 0.35 * canvas.pair((0.40, 0.17), (0.22, 0.06)) + 0.3 * canvas.pair((0.36, -0.06), (0.12, 0.14))
    albedo *= 1 - shade[..., None] * np.array((0.10, 0.14, 0.12), np.float32)
    return albedo


def paint_nostrils(canvas: Canvas, look: Look, albedo: Floats) -> None:
    dark = tuple(0.16 * c for c in look.skin)
    for side in (-1, 1):
        u, v = (canvas.u - side * 0.112) / 0.075, (canvas.v - 0.835) / 0.032
        paint(albedo, dark, 0.85 * canvas.inside((np.hypot(u, v) - 1) * 0.032, 0.03))
    wing = canvas.pair((0.275, 0.78), (0.03, 0.06)) + 0.7 * canvas.bump((0, 0.885), (0.16, 0.025))
    paint(albedo, dark, 0.24 * wing)


def paint_mouth(canvas: Canvas, look: Look, albedo: Floats, mouth_open: float) -> None:
    """Lips, the line between them, or teeth and the dark behind them when `mouth_open` (0..1)."""
    t = np.clip(np.abs(canvas.u) / 0.42, 0, 1)
    line = 1.175 + 0.012 * np.cos(np.pi * t) - 0.01 * t
    gap = 0.24 * mouth_open * (1 - t * t)
    bow = 0.105 * (1 - t) ** 0.85 * (1 + 0.6 * t) - 0.022 * np.exp(-np.square(canvas.u / 0.055))
    upper = np.maximum(line - bow - canvas.v, canvas.v - line)
    lower = np.maximum(line - canvas.v, canvas.v - line - gap - 0.135 * (1 - t**2.2) ** 0.9)
    red = np.array(look.skin, np.float32) * np.array((0.62, 0.50, 0.80 + 0.1 * look.lips), np.float32)
    lines = 1 + 0.05 * np.sin(canvas.u * 95 + 3 * grain(canvas, look.seed + 3, 0.1))
    strength = (0.55 + 0.35 * look.lips) * np.clip((1 - t) / 0.06, 0, 1)
    paint(albedo, red * 0.86 * lines[..., None], strength * canvas.inside(upper.astype(np.float32), 0.03))
    paint(albedo, red * 1.05 * lines[..., None], strength * canvas.inside(lower.astype(np.float32), 0.04))
    seam = np.abs(canvas.v - line) - 0.006 - 0.006 * (1 - t)
    dark = red * 0.22
    paint(albedo, dark, canvas.inside(seam.astype(np.float32), 0.016) * np.clip((1 - t) / 0.1, 0, 1))
    if mouth_open > 0:
        hole = np.maximum(line - canvas.v, canvas.v - line - gap).astype(np.float32)
        paint(albedo, (0.02, 0.02, 0.05), canvas.inside(hole, 0.02) * (t < 1))
        teeth = np.maximum(hole, canvas.v - line - 0.07).astype(np.float32)
        paint(albedo, (0.52, 0.60, 0.64), canvas.inside(teeth, 0.02) * (t < 0.75))


def paint_brows(canvas: Canvas, look: Look, albedo: Floats) -> None:
    for side in (-1, 1):
        t = (side * canvas.u - 0.20) / 0.66
        middle = -0.335 - 0.075 * np.sin(np.pi * np.clip(t, 0, 1) * 0.85)
        thick = 0.058 * look.brow * np.clip(1.15 - 0.75 * t, 0.2, 1) * np.clip(0.55 + t * 4, 0, 1)
        along = np.maximum(-t, t - 1) * 0.66
        body = np.maximum(np.abs(canvas.v - middle) - thick, along).astype(np.float32)
        hairs = 0.5 + 0.5 * np.sin(
            (canvas.u * side * 1.0 + (canvas.v - middle) * 0.9) * 150
            + 2.2 * grain(canvas, look.seed + 5, 0.03)
        )
        paint(albedo, look.hair, canvas.inside(body, 0.04) * (0.45 + 0.5 * hairs).astype(np.float32) * 0.9)


def paint_eyes(canvas: Canvas, look: Look, albedo: Floats, closed: float) -> None:
    """Eyes with lids, lashes, iris and the two small reflections of the lamps; `closed` 0..1."""
    for side in (-1, 1):
        _paint_eye(canvas, look, albedo, side, closed)


def _paint_eye(canvas: Canvas, look: Look, albedo: Floats, side: int, closed: float) -> None:
    u = (canvas.u - side * 0.5) * side  # 0 at the pupil, positive outwards
    t = u / 0.265
    arch = np.clip(1 - t * t, 0, 1)
    tilt = -0.035 * t
    opening = look.eye_open * (1 - closed)
    top = tilt - 0.094 * opening * arch**0.7 * (1 - 0.12 * t) + 0.06 * closed * arch
    bottom = tilt * 0.8 + 0.066 * arch**0.9
    ball = np.maximum(np.maximum(top - canvas.v, canvas.v - bottom), np.abs(u) - 0.265).astype(np.float32)
    seen = canvas.inside(ball, 0.014)
    lid = np.asarray(look.skin, np.float32)

    hood = np.clip(1 - (canvas.v - top) / 0.09, 0, 1) ** 2
    white = 0.50 - 0.26 * hood - 0.20 * np.clip(np.abs(t), 0, 1) ** 2
    eyeball = white[..., None] * np.array((0.92, 0.96, 1.0), np.float32)
    iris_r = np.hypot(u + 0.004, canvas.v + 0.016)
    iris = canvas.inside((iris_r - 0.102).astype(np.float32), 0.010)
    spokes = 1 + 0.25 * np.sin(np.arctan2(canvas.v + 0.012, u) * 31)
    ring = (0.35 + 0.65 * np.clip(1 - (iris_r / 0.102) ** 4, 0, 1)) * (1 - 0.55 * hood) * spokes
    paint(eyeball, np.array((0.018, 0.036, 0.075), np.float32) * ring[..., None].astype(np.float32), iris)
    paint(eyeball, (0.004, 0.004, 0.005), canvas.inside((iris_r - 0.043).astype(np.float32), 0.012))
    for shift in (-0.035, 0.035):
        glint = np.hypot(canvas.u - side * 0.5 - shift, canvas.v + 0.045) - 0.0135
        paint(eyeball, (0.95, 0.95, 0.95), canvas.inside(glint.astype(np.float32), 0.01))
    caruncle = np.hypot(u + 0.235, (canvas.v - 0.008) * 1.5) - 0.03
    paint(
        eyeball,
        lid * np.array((0.62, 0.60, 0.85), np.float32),
        canvas.inside(caruncle.astype(np.float32), 0.02),
    )
    paint(albedo, eyeball.astype(np.float32), seen)

    near = canvas.inside((np.abs(t) - 1).astype(np.float32) * 0.265, 0.05)
    lash = np.abs(canvas.v - top + 0.006) - (1 - 0.5 * closed) * (0.012 + 0.0086 * np.clip(t + 0.7, 0, 1.4))
    paint(albedo, tuple(0.7 * c for c in look.hair), canvas.inside(lash.astype(np.float32), 0.012) * near)
    wet = np.abs(canvas.v - bottom - 0.006) - 0.004
    paint(albedo, lid * 0.42, 0.6 * canvas.inside(wet.astype(np.float32), 0.02) * near)
    crease = np.abs(canvas.v - (tilt - 0.165 * look.eye_open * arch**0.6 + 0.03 * closed)) - 0.005
    fades = canvas.inside((np.abs(t) - 1.02).astype(np.float32) * 0.265, 0.12)
    paint(
        albedo,
        lid * 0.5,
        0.75 * look.lid_crease * (1 - 0.85 * closed) * canvas.inside(crease.astype(np.float32), 0.03) * fades,
    )
    socket = canvas.bump((side * 0.5, -0.12), (0.3, 0.09)) * (1 - seen)
    paint(albedo, lid * 0.72, 0.30 * socket)


def hair_mask(canvas: Canvas, look: Look, head: Floats) -> Floats:
    """Return where hair covers the head: above the hairline and beyond the temples, ears clear."""
    across = np.abs(canvas.u) / look.width
    line = np.interp(
        across, (0, 0.35, 0.7, 0.9, 1.0, 1.06, 1.3), (-1.0, -1.02, -0.92, -0.66, -0.30, 0.0, 0.12)
    )
    wisps = 0.012 * grain(canvas, look.seed + 7, 0.02) + 0.02 * grain(canvas, look.seed + 8, 0.15)
    below = (canvas.v - line + wisps).astype(np.float32)
    volume = np.interp(canvas.v, (-1.9, -1.2, -0.5, 0.05, 0.3), (0.13, 0.11, 0.06, 0.01, -0.06))
    outline = (head - volume + 0.12 * wisps).astype(np.float32)
    return canvas.inside(np.maximum(0.6 * below, outline), 0.06)


def hair_colour(canvas: Canvas, look: Look) -> Floats:
    """Return (height, width, 3): strands combed back from the brow, and the sheen that hair has."""
    angle = np.arctan2(canvas.u, 0.25 - canvas.v)
    reach = np.hypot(canvas.u, canvas.v - 0.25)
    rng = np.random.default_rng(look.seed + 11)
    strands = np.zeros_like(canvas.u)
    for count, weight in ((40, 0.3), (110, 0.35), (260, 0.35)):
        phase, bend = rng.uniform(0, 6.28), rng.uniform(-0.5, 0.5)
        strands += weight * np.sin(
            count * (angle + 0.04 * bend * reach) + phase + 1.6 * grain(canvas, look.seed + count, 0.18)
        )
    band = np.exp(-np.square((reach - 1.62) / 0.20)) * np.clip(1.25 - np.abs(angle), 0, 1)
    tone = 1 + 0.45 * strands + 2.6 * band * (0.55 + 0.45 * strands)
    return np.asarray(np.clip(tone, 0.3, None)[..., None] * np.asarray(look.hair, np.float32))
