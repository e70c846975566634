"""Made-up live pictures for galleries and tests: nobody's finger, nobody's face."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from ui_fb.canvas import Sketch
from ui_fb.geometry import Box


@functools.cache
def sample(kind: str) -> Image.Image:
    """Return a picture as the live source of `kind` would give it.

    Kinds: qr (an old card), ticket (a code on paper), portrait, still, finger.
    """
    draw = {"finger": _finger, "portrait": _portrait, "still": _portrait, "qr": _old_card, "ticket": _ticket}
    return draw[kind]()


def _finger() -> Image.Image:
    rows, columns = np.mgrid[0:391, 0:355].astype(np.float64)
    x, y = (columns - 178) / 150, (rows - 190) / 190
    bent = np.hypot(x * 1.1, y * 0.9 + 0.3) + 0.05 * np.sin(3 * x + 2 * y)
    ridges = 0.5 + 0.5 * np.sin(2 * np.pi * bent * 15)
    inside = np.clip((1 - np.hypot(x, y)) * 6, 0, 1)
    grey = 245 - inside * (15 + 190 * (ridges > 0.45))
    return Image.fromarray(grey.astype(np.uint8))


def _portrait() -> Image.Image:
    s = Sketch((640, 480), (64, 48))
    s.box(Box(0, 0, 64, 48), "#C9D4DE")
    s.ellipse(Box(22, 4.4, 20, 24), "#2B2422")
    s.box(Box(11, 37.5, 42, 30), "#35567C", 10)
    s.polygon(((26, 37.4), (38, 37.4), (32, 46)), "#EEF2F6")
    s.box(Box(28, 27, 8, 12.4), "#CFA183", 4)
    for x in (23.2, 40.8):
        s.ellipse(Box(x - 1.2, 18, 2.4, 4.6), "#D6AA8B")
    s.ellipse(Box(23.6, 8.6, 16.8, 24), "#E3BC9C")
    s.polygon(((23.4, 17), (24.4, 9.4), (32, 6), (39.6, 9.4), (40.6, 17), (37, 11.8), (29, 11.4)), "#2B2422")
    for x in (28.5, 35.5):
        s.ellipse(Box(x - 1.1, 19.2, 2.2, 1.5), "#2B2422")
        s.line(((x - 1.6, 17.3), (x + 1.6, 17.3)), "#4A3B34", 0.55)
    s.line(((31.4, 24.2), (32.7, 24.2)), "#C39475", 0.6)
    s.line(((29.8, 27.8), (34.2, 27.8)), "#A9685C", 0.75)
    return s.done().convert("RGB")


def _old_card() -> Image.Image:
    s = Sketch((640, 480), (64, 48))
    s.box(Box(0, 0, 64, 48), "#4E5965")
    s.box(Box(-6, 11, 52, 33), "#E9F1F4", 2.4)
    s.box(Box(-6, 11, 52, 5), "#BFD6E6", 2.4)
    for row in range(4):
        s.line(((12, 34 + 2.6 * row), (30 - 3 * row, 34 + 2.6 * row)), "#8D99A5", 0.9)
    s.box(Box(24, 17, 16, 16), "#FFFFFF", 0.6)
    _code(s, 25.1, 18.1, 0.66)
    return s.done().convert("RGB")


def _ticket() -> Image.Image:
    s = Sketch((640, 480), (64, 48))
    s.box(Box(0, 0, 64, 48), "#4E5965")
    s.box(Box(17, 4, 30, 44), "#FBFAF4", 0.8)
    s.line(((22, 9), (42, 9)), "#8D99A5", 1.6)
    _code(s, 23.55, 14.5, 0.8)
    for row, right in enumerate((42, 38, 34)):
        s.line(((22, 36 + 3 * row), (right, 36 + 3 * row)), "#8D99A5", 0.9)
    return s.done().convert("RGB")


def _code(s: Sketch, x: float, y: float, module: float) -> None:
    """Something that looks like a QR code of 21 modules, its corner at (x, y); it says nothing."""
    rng = np.random.default_rng(7)
    dark = rng.random((21, 21)) < 0.5
    for top, left in ((0, 0), (0, 14), (14, 0)):
        dark[top : top + 7, left : left + 7] = True
        dark[top + 1 : top + 6, left + 1 : left + 6] = False
        dark[top + 2 : top + 5, left + 2 : left + 5] = True
    for row, column in np.argwhere(dark):
        s.box(Box(x + column * module, y + row * module, module + 0.02, module + 0.02), "#1B2026")
