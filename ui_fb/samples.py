"""Made-up live pictures for galleries and tests: nobody's finger, nobody's face."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from ui_fb.canvas import Sketch
from ui_fb.geometry import Box


@functools.cache
def sample(kind: str) -> Image.Image:
    """Return a picture as the live source of `kind` (camera, portrait, finger) would give it."""
    return {"finger": _finger, "portrait": _portrait, "camera": _old_card}[kind]()


def _finger() -> Image.Image:
    rows, columns = np.mgrid[0:391, 0:355].astype(np.float64)
    x, y = (columns - 178) / 150, (rows - 190) / 190
    bent = np.hypot(x * 1.1, y + 0.35 + 0.25 * x * x) + 0.05 * np.sin(3 * x + 2 * y)
    ridges = 0.5 + 0.5 * np.sin(2 * np.pi * bent * 21)
    inside = np.clip((1 - np.hypot(x, y)) * 6, 0, 1)
    grey = 245 - inside * (60 + 140 * (ridges > 0.45))
    return Image.fromarray(grey.astype(np.uint8))


def _portrait() -> Image.Image:
    sketch = Sketch((640, 480), (64, 48))
    sketch.box(Box(0, 0, 64, 48), "#CBD6E0")
    sketch.box(Box(14, 37, 36, 30), "#3C5A7D", 11)
    sketch.box(Box(27.5, 30, 9, 10), "#D3A988", 3)
    sketch.box(Box(23, 6, 18, 22), "#2A2320", 8.8)
    sketch.box(Box(24.2, 10, 15.6, 23), "#E2BB9B", 7.7)
    sketch.box(Box(24, 7.4, 16, 7), "#2A2320", 5)
    for x in (28.6, 35.4):
        sketch.disc(x, 20.4, 0.9, "#2A2320")
    sketch.line(((32, 21), (31.6, 25)), "#C99A7A", 0.7)
    sketch.line(((29.4, 28.4), (34.6, 28.4)), "#A8665A", 0.9)
    return sketch.done().convert("RGB")


def _old_card() -> Image.Image:
    sketch = Sketch((640, 480), (64, 48))
    sketch.box(Box(0, 0, 64, 48), "#59646F")
    sketch.box(Box(8, 9, 48, 31), "#E9F1F4", 2.4)
    sketch.box(Box(8, 9, 48, 5), "#BFD6E6", 2.4)
    sketch.box(Box(12, 19, 10, 14), "#C4CCD4", 0.8)
    for row in range(4):
        sketch.line(((25, 21 + 3.4 * row), (38 - row, 21 + 3.4 * row)), "#8D99A5", 0.9)
    rng = np.random.default_rng(7)
    for row, column in np.argwhere(rng.random((9, 9)) < 0.5):
        sketch.box(Box(42 + column * 1.2, 18 + row * 1.2, 1.2, 1.2), "#20262C")
    return sketch.done().convert("RGB")
