"""A made-up person as layers a camera can light: head, ears, neck and shoulders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from drivers.virtual import sitter_paint as colours
from drivers.virtual import sitter_wear as worn
from drivers.virtual.sitter_paint import Look, paint
from drivers.virtual.sitter_shape import (
    Canvas,
    Floats,
    head_distance,
    head_height,
)
from drivers.virtual.sitter_wear import NOTHING, Wear

SCALE, BODY_SCALE = 160.0, 80.0  # pixels of the drawings to an eye distance
HEAD = (-1.6, -2.2, 1.6, 2.1)  # left, top, right, bottom of the head's canvas, eye distances
BODY = (-4.6, -2.2, 4.6, 5.2)
NECK_PIVOT_V = 1.0
LAMP_ANGLE, LAMP_RISE = 0.66, 0.30  # lamps 35..40 degrees off axis, a little above the eyes


@dataclass(frozen=True, slots=True)
class Pose:
    """How the person sits now: angles in degrees, `closed` eyes and `mouth_open` 0..1."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    closed: float = 0.0
    mouth_open: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One part of a drawn person. `albedo` (h, w, 3) linear BGR, `lights` (h, w, 4), `alpha` (h, w).

    `lights` is how strongly each source of light (room, left lamp, right lamp, one-sided window) falls on
    each point: 1 for a surface that faces it. The layer's top left corner lies at `corner` (u, v), with
    `scale` pixels an eye distance.
    """

    albedo: Floats
    lights: Floats
    alpha: Floats
    corner: tuple[float, float]
    scale: float


@lru_cache(maxsize=4)
def figure(look: Look, pose: Pose, wear: Wear = NOTHING) -> tuple[Layer, ...]:
    """Return the drawn person, back to front; the same look, pose and wear give the same picture."""
    head = _turned(*_head(look, pose.closed, pose.mouth_open, wear), pose)
    return (_body(look), head, _hand(look)) if wear.hand else (_body(look), head)


def _lights(height: Floats, scale: float, occlusion: float = 1.0) -> Floats:
    """Shade a height map (eye distances) for the four sources of light."""
    step = 0.5 * scale
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.25) * step
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.25) * step
    length = np.sqrt(across * across + down * down + 1)
    nx, ny, nz = -across / length, -down / length, 1 / length
    open_sky = height - cv2.GaussianBlur(height, (0, 0), 0.16 * scale)
    shelter = np.clip(1 + occlusion * 2.2 * np.minimum(open_sky, 0), 0.45, 1)
    room = (0.62 + 0.36 * nz - 0.34 * ny) * shelter
    lamps = [_lamp(nx, ny, nz, side * LAMP_ANGLE, shelter) for side in (-1, 1)]
    window = np.clip((-0.95 * nx - 0.1 * ny + 0.28 * nz + 0.1) / 1.1, 0.02, None) * shelter
    return np.stack([room, *lamps, window], axis=-1).astype(np.float32)


def _lamp(nx: Floats, ny: Floats, nz: Floats, across: float, shelter: Floats) -> Floats:
    """A broad lamp: Lambert's law wrapped a little round the edge, and a soft sheen of the skin."""
    toward = np.array((across, -LAMP_RISE, 1.0))
    toward /= np.linalg.norm(toward)
    facing = nx * toward[0] + ny * toward[1] + nz * toward[2]
    halfway = toward + np.array((0, 0, 1))
    halfway /= np.linalg.norm(halfway)
    sheen = np.clip(nx * halfway[0] + ny * halfway[1] + nz * halfway[2], 0, 1) ** 28
    return np.asarray(np.clip((facing + 0.3) / 1.3, 0.03, None) * shelter + 0.10 * sheen)


@lru_cache(maxsize=4)
def _head(look: Look, closed: float, mouth_open: float, wear: Wear) -> tuple[Layer, Floats]:
    canvas = Canvas.over(*HEAD, SCALE)
    distance = head_distance(canvas, look.width, look.jaw)
    height = head_height(canvas, look.width, look.jaw, look.nose, mouth_open)
    albedo = colours.paint_skin(canvas, look)
    colours.paint_nostrils(canvas, look, albedo)
    colours.paint_mouth(canvas, look, albedo, mouth_open)
    colours.paint_eyes(canvas, look, albedo, closed)
    colours.paint_brows(canvas, look, albedo)
    skull = canvas.inside(distance, 0.012)
    ears, ear_height = _ears(canvas, look)
    height = np.maximum(height, ear_height * (1 - skull))
    hair = colours.hair_mask(canvas, look, distance)
    paint(albedo, colours.hair_colour(canvas, look), hair)
    relief = height + 0.10 * cv2.GaussianBlur(hair, (0, 0), 0.05 * SCALE)
    if wear != NOTHING:
        relief, hair = _dressed(canvas, wear, albedo, relief, distance, skull, hair)
    lights = _lights(relief, SCALE)
    inner = ears * (1 - skull)
    groove = inner * canvas.pair((1.165 * look.width, 0.32), (0.045, 0.24))
    albedo *= 1 - 0.45 * groove[..., None]
    shadow = cv2.GaussianBlur(hair, (0, 0), 0.045 * SCALE) * (1 - hair)
    albedo *= 1 - 0.5 * shadow[..., None]
    alpha = np.maximum(np.maximum(skull, ears), hair)
    form = np.asarray(cv2.GaussianBlur(height, (0, 0), 0.05 * SCALE), np.float32)
    return Layer(albedo, lights, alpha, HEAD[:2], SCALE), form


def _dressed(
    canvas: Canvas, wear: Wear, albedo: Floats, relief: Floats, outline: Floats, skull: Floats, hair: Floats
) -> tuple[Floats, Floats]:
    """Paint what is worn; return the relief under cloth and what covers the head outside of its skin."""
    if wear.mask:
        mask = worn.paint_mask(canvas, albedo, skull)
        relief = relief + mask * (cv2.GaussianBlur(relief, (0, 0), 0.16 * SCALE) - relief)
    if wear.scarf:
        scarf = worn.scarf_mask(canvas, outline)
        paint(albedo, worn.scarf_colour(canvas), scarf)
        hair = np.maximum(hair, scarf)
    if wear.glasses:
        worn.paint_glasses(canvas, albedo, wear)
    return relief, hair


@lru_cache(maxsize=2)
def _hand(look: Look) -> Layer:
    canvas = Canvas.over(*HEAD, SCALE)
    albedo, height, alpha = worn.hand(canvas, look)
    return Layer(albedo, _lights(height, SCALE, 0.3), alpha, HEAD[:2], SCALE)


def _ears(canvas: Canvas, look: Look) -> tuple[Floats, Floats]:
    u = np.abs(canvas.u) - 1.135 * look.width - 0.05 * (0.35 - canvas.v)
    lobe = np.interp(canvas.v, (-0.2, 0.1, 0.5, 0.85), (0.9, 1.15, 0.95, 0.6))
    r = np.hypot(u / (0.17 * lobe), (canvas.v - 0.30) / 0.50)
    mask = canvas.inside(((r - 1) * 0.17).astype(np.float32), 0.02)
    rim = 0.16 * np.exp(-np.square((r - 0.80) / 0.2)) + 0.3 * np.sqrt(np.clip(1 - r * r, 0, 1))
    return mask, (rim * mask).astype(np.float32)


@lru_cache(maxsize=2)
def _body(look: Look) -> Layer:
    """Neck, shoulders and a collar; nothing of it turns with the head."""
    canvas = Canvas.over(*BODY, BODY_SCALE)
    u, v = np.abs(canvas.u), canvas.v
    neck_half = np.interp(v, (1.0, 1.6, 2.0, 2.4), (0.84, 0.70, 0.74, 0.95)) * look.width * look.jaw
    neck = np.maximum(u - neck_half, np.maximum(0.6 - v, v - 3.3)).astype(np.float32)
    line = np.interp(u, (0.0, 0.75, 1.2, 2.2, 2.9, 3.25, 3.45), (2.16, 2.18, 2.46, 2.80, 3.10, 3.55, 4.4))
    slope = np.asarray(cv2.GaussianBlur(line.astype(np.float32), (0, 0), 0.12 * BODY_SCALE), np.float32)
    shoulders = (slope - v).astype(np.float32) * 0.85
    vee = np.maximum((u - (3.05 - v) * 0.62) * 0.85, 1.8 - v).astype(np.float32)
    cloth = canvas.inside(shoulders, 0.015) * (1 - canvas.inside(vee, 0.02))
    skin = np.maximum(canvas.inside(neck, 0.012), canvas.inside(shoulders, 0.015) * canvas.inside(vee, 0.02))
    throat = 0.75 * np.sqrt(np.clip(1 - np.square(u / np.maximum(neck_half, 0.1)), 0, 1)) - 0.3
    chest = (
        1.3 * np.sqrt(np.clip(1 - np.square(u / 3.9), 0, 1)) * np.clip((v - slope) / 0.5 + 0.3, 0, 1) ** 0.5
    )
    height = np.where(cloth > 0.5, chest, np.maximum(throat, 0.2)).astype(np.float32)
    relief = np.asarray(cv2.GaussianBlur(height, (0, 0), 0.06 * BODY_SCALE), np.float32)
    albedo = colours.paint_skin(canvas, look) * 0.92
    under = np.clip(1.15 - (v - 1.45) / 0.75, 0, 1) * np.clip(1.4 - u / 0.9, 0, 1)
    albedo *= (1 - 0.55 * under * (v < 3.2))[..., None].astype(np.float32)
    weave = (
        1
        + 0.05 * colours.grain(canvas, look.seed + 21, 0.02)
        + 0.06 * colours.grain(canvas, look.seed + 22, 0.5)
    )
    paint(albedo, weave[..., None] * np.asarray(look.cloth, np.float32), cloth)
    _collar(canvas, look, albedo, cloth, vee)
    alpha = np.maximum(cloth, skin)
    if look.long_hair:
        behind = _long_hair(canvas, look)
        paint(albedo, colours.hair_colour(canvas, look) * 0.8, behind * (1 - alpha))
        alpha = np.maximum(alpha, behind)
    return Layer(albedo, _lights(relief, BODY_SCALE, 0.6), alpha, BODY[:2], BODY_SCALE)


def _long_hair(canvas: Canvas, look: Look) -> Floats:
    """Hair that falls behind the ears on to the shoulders."""
    reach = np.interp(canvas.v, (-0.6, 0.2, 1.0, 1.8, 2.5), (1.0, 1.17, 1.24, 1.28, 1.18))
    strand = 0.02 * colours.grain(canvas, look.seed + 31, 0.3)
    side = np.abs(canvas.u) - reach * look.width + strand
    return canvas.inside(np.maximum(side, canvas.v - 2.75).astype(np.float32), 0.03) * (canvas.v > -0.8)


def _collar(canvas: Canvas, look: Look, albedo: Floats, cloth: Floats, vee: Floats) -> None:
    """A shirt collar along the opening, a shade lighter, with its own edge and shadow."""
    flap = np.maximum(vee - 0.26, np.maximum(-vee, canvas.v - 2.95)).astype(np.float32)
    colour = tuple(min(1.0, 1.35 * c + 0.02) for c in look.cloth)
    on = canvas.inside(flap, 0.015) * cloth
    edge = canvas.inside((np.abs(flap) - 0.012).astype(np.float32), 0.03) * cloth
    paint(albedo, colour, 0.8 * on)
    paint(albedo, tuple(0.45 * c for c in look.cloth), 0.6 * edge)


def _turned(head: Layer, height: Floats, pose: Pose) -> Layer:
    """Turn the head: each point moves by its height, as a turned relief does; then roll about the neck."""
    if pose.yaw == pose.pitch == pose.roll == 0:
        return head
    canvas = Canvas.over(*HEAD, SCALE)
    roll = np.radians(pose.roll)
    u, v = canvas.u, canvas.v - NECK_PIVOT_V
    u, v = u * np.cos(roll) + v * np.sin(roll), v * np.cos(roll) - u * np.sin(roll) + NECK_PIVOT_V
    yaw, pitch = np.radians(pose.yaw), np.radians(pose.pitch)
    from_u, from_v = u, v
    for _ in range(6):
        z = _sample(height, from_u, from_v) - 0.35
        from_u = (u - z * np.sin(yaw)) / np.cos(yaw)
        from_v = (v + z * np.sin(pitch)) / np.cos(pitch)
    albedo, lights, alpha = (
        _sample(layer, from_u, from_v) for layer in (head.albedo, head.lights, head.alpha)
    )
    return Layer(albedo, lights, alpha, head.corner, head.scale)


def _sample(layer: Floats, u: Floats, v: Floats) -> Floats:
    x = ((u - HEAD[0]) * SCALE).astype(np.float32)
    y = ((v - HEAD[1]) * SCALE).astype(np.float32)
    return np.asarray(cv2.remap(layer, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
