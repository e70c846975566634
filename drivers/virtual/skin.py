"""Made-up fingers and their impressions at 500 ppi: no living person's, the same for the same seed.

A `Finger` is a pattern of ridges and pores. An `impression` is one touch of it: pressed elsewhere, turned,
stretched as skin is, more or less moist, worn, and seen through a sensor's noise. Two impressions of one
finger match, and are never the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.virtual.ridge_flow import Field, Pattern, draw, orientation, period
from drivers.virtual.ridges import grow, smooth_noise

Pixels = NDArray[np.uint8]

POSITIONS = (
    "right_thumb",
    "right_index",
    "right_middle",
    "right_ring",
    "right_little",
    "left_thumb",
    "left_index",
    "left_middle",
    "left_ring",
    "left_little",
)
PRINT_SHAPE = (290, 384)
SKIN_SHAPE = (460, 420)
# arch, tented arch, ulnar loop, radial loop, whorl: shares of 100 as counted in police files
SHARES = {
    "thumb": (3, 1, 60, 1, 35),
    "index": (10, 7, 36, 17, 30),
    "middle": (6, 4, 72, 3, 15),
    "ring": (2, 1, 54, 2, 41),
    "little": (1, 1, 86, 1, 11),
}
# half width and half height of a plain impression in pixels, ridge period in pixels
SIZES = {
    "thumb": (188, 208, 9.6),
    "index": (163, 185, 9.1),
    "middle": (167, 190, 9.2),
    "ring": (160, 183, 9.0),
    "little": (138, 162, 8.5),
}


@dataclass(frozen=True, slots=True)
class Finger:
    """One finger of the made-up person `seed`; `position` is one of POSITIONS."""

    seed: int
    position: str

    def __post_init__(self) -> None:
        if self.position not in POSITIONS:
            raise ValueError(f"{self.position!r} is no finger position")

    @property
    def kind(self) -> str:
        """thumb, index, middle, ring or little."""
        return self.position.split("_")[1]

    def random(self, *purpose: int) -> np.random.Generator:
        """A generator that gives the same numbers for the same finger and purpose."""
        return np.random.default_rng([self.seed, POSITIONS.index(self.position), *purpose])


def impression(
    finger: Finger,
    n: int,
    *,
    dry: float = 0.0,
    wet: float = 0.0,
    worn: float = 0.0,
    offset: tuple[float, float] = (0.0, 0.0),
    turn_deg: float = 0.0,
    pressure: float = 0.5,
) -> Pixels:
    """Return the `n`-th touch of this finger, (290, 384) uint8, ridges dark on light, 500 ppi.

    `dry`, `wet`, `worn` and `pressure` go from 0 to 1; `offset` (x right, y down; pixels) and `turn_deg`
    (counter-clockwise) come on top of what differs in every touch. Raises ValueError outside 0..1.
    """
    for name, value in (("dry", dry), ("wet", wet), ("worn", worn), ("pressure", pressure)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} is {value}, not 0..1")
    rng = finger.random(1, n)
    map_x, map_y = _touch(rng, offset, turn_deg, pressure)
    ridges, pores = (_sampled(part, map_x, map_y) for part in _skin(finger))
    ink = ridges / 127.5 - 1 - pores * np.float32(0.005 * (1 - wet))
    if worn:
        ink = _wear_off(ink, _sampled(_scars(finger), map_x, map_y), worn, rng)
    ink += _moisture(rng, dry, wet, pressure)
    shade = _contact(finger, rng, offset, pressure) / (1 + np.exp(-4 * np.clip(ink, -5, 5)))
    return _sensed(shade, rng, wet)


@lru_cache(maxsize=32)
def _skin(finger: Finger) -> tuple[Pixels, Pixels]:
    """Return ridges (0 valley .. 255 ridge) and pores (255 at their middle) over the whole fingertip."""
    rng = finger.random(0)
    wobble = np.float32(0.3) * smooth_noise(rng, SKIN_SHAPE, 100)
    spread = np.exp(np.float32(0.03) * smooth_noise(rng, SKIN_SHAPE, 40))
    angle = orientation(draw(_pattern(finger, rng), rng), wobble)
    mean_px = SIZES[finger.kind][2] * float(rng.normal(1, 0.04))
    ridges = grow(angle, (period(angle, mean_px) * spread).astype(np.float32), rng)
    dots = (rng.random(SKIN_SHAPE, np.float32) < 0.012).astype(np.float32)
    pores = cv2.GaussianBlur(dots, (0, 0), 1.0) * np.float32(2 * np.pi) * (ridges > 0.3)
    return _bytes(127.5 * (ridges + 1)), _bytes(255 * pores)


def _pattern(finger: Finger, rng: np.random.Generator) -> Pattern:
    """Draw a class; an ulnar loop opens towards the little finger."""
    ulnar, radial = Pattern.RIGHT_LOOP, Pattern.LEFT_LOOP
    if finger.position.startswith("left"):
        ulnar, radial = radial, ulnar
    choices = (Pattern.ARCH, Pattern.TENTED_ARCH, ulnar, radial, Pattern.WHORL)
    return choices[rng.choice(len(choices), p=np.array(SHARES[finger.kind]) / 100)]


def _touch(
    rng: np.random.Generator, offset: tuple[float, float], turn_deg: float, pressure: float
) -> tuple[Field, Field]:
    """Return for each pixel of the print where it lies on the skin: a turn, a shift and a stretch."""
    turn = np.deg2rad(turn_deg + rng.normal(0, 3))
    shift_x, shift_y = np.array(offset) + rng.normal(0, 4, 2)
    y, x = np.mgrid[: PRINT_SHAPE[0], : PRINT_SHAPE[1]].astype(np.float32)
    x -= np.float32(PRINT_SHAPE[1] / 2 + shift_x)
    y -= np.float32(PRINT_SHAPE[0] / 2 + shift_y)
    give = np.float32(1.2 + 2.0 * pressure)
    stretch_x, stretch_y = (give * smooth_noise(rng, PRINT_SHAPE, 140) for _ in range(2))
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    map_x = cos * x - sin * y + stretch_x + np.float32(SKIN_SHAPE[1] / 2)
    map_y = sin * x + cos * y + stretch_y + np.float32(SKIN_SHAPE[0] / 2)
    return map_x, map_y


def _sampled(skin: Pixels, map_x: Field, map_y: Field) -> Field:
    sample = cv2.remap(skin, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(sample, np.float32)


def _contact(finger: Finger, rng: np.random.Generator, offset: tuple[float, float], pressure: float) -> Field:
    """Return how firmly each pixel is touched, 0..1: an ellipse with a ragged edge."""
    half_width, half_height, _ = SIZES[finger.kind]
    size = 0.82 + 0.28 * pressure
    y, x = np.mgrid[: PRINT_SHAPE[0], : PRINT_SHAPE[1]].astype(np.float32)
    x = (x - PRINT_SHAPE[1] / 2 - offset[0]) / np.float32(half_width * size)
    y = (y - PRINT_SHAPE[0] / 2 - offset[1]) / np.float32(half_height * size)
    edge = 1 - np.hypot(x, y) + 0.03 * smooth_noise(rng, PRINT_SHAPE, 24)
    return np.asarray(1 / (1 + np.exp(-edge * 28)), np.float32)


@lru_cache(maxsize=32)
def _scars(finger: Finger) -> Pixels:
    """Return where work has rubbed this finger smooth, 0..255, and the cracks across its ridges (255)."""
    rng = finger.random(2)
    rubbed = np.clip(90 + 110 * smooth_noise(rng, SKIN_SHAPE, 36), 0, 255).astype(np.uint8)
    for _ in range(26):
        x, y = rng.integers(0, SKIN_SHAPE[1]), rng.integers(0, SKIN_SHAPE[0])
        angle, length = rng.uniform(0, np.pi), rng.uniform(20, 90)
        end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
        cv2.line(rubbed, (int(x), int(y)), end, 255, int(rng.integers(1, 4)), cv2.LINE_AA)
    return rubbed


def _wear_off(ink: Field, scars: Field, worn: float, rng: np.random.Generator) -> Field:
    """Flatten and roughen ridges, most where they are rubbed, and open them where they are cracked."""
    depth = np.clip(scars / np.float32(255), 0, 1)
    left = 1 - np.float32(0.8 * worn) * np.maximum(depth, 0.8)
    rough = np.float32(0.8 * worn) * smooth_noise(rng, PRINT_SHAPE, 3)
    return np.asarray(ink * left + rough - np.float32(worn) * depth**4, np.float32)


def _moisture(rng: np.random.Generator, dry: float, wet: float, pressure: float) -> Field:
    """Return what sweat and pressure add: ridges thicken and join, or thin out and break into dots."""
    even = 0.25 * (pressure - 0.5) + 1.35 * wet - 1.0 * dry
    rough = np.float32(0.6 * dry**2) * smooth_noise(rng, PRINT_SHAPE, 3)
    field = np.float32(even) + np.float32(0.15 + 0.5 * wet) * smooth_noise(rng, PRINT_SHAPE, 60)
    grain = np.maximum(smooth_noise(rng, PRINT_SHAPE, 2), 0) ** 2
    flakes = np.maximum(smooth_noise(rng, PRINT_SHAPE, 4), 0)
    gaps = np.float32(0.15 + 2.2 * dry) * grain + np.float32(5.0 * dry) * flakes
    return np.asarray(field + rough - gaps, np.float32)


def _sensed(shade: Field, rng: np.random.Generator, wet: float) -> Pixels:
    """Return the sensor's grey values: uneven light behind, a soft lens, noise."""
    light = np.float32(238) + 5 * smooth_noise(rng, PRINT_SHAPE, 150)
    grey = cv2.GaussianBlur(light - np.float32(195) * shade, (0, 0), 0.6 + 1.5 * wet)
    return _bytes(grey + np.float32(3.5) * rng.standard_normal(PRINT_SHAPE, np.float32))


def _bytes(field: Field) -> Pixels:
    return np.clip(field, 0, 255).astype(np.uint8)
