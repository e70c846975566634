"""The live picture inside a screen: a camera or finger frame made ready for `Display.blit`."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ui_fb.canvas import Sketch
from ui_fb.geometry import Box, Rect, Size

Pixels = NDArray[np.uint8]
KINDS = ("qr", "portrait", "still", "finger")


@dataclass(frozen=True, slots=True)
class Preview:
    """Where the live picture goes and how it is shown.

    A `qr`, `still` or `portrait` frame fills the rect, cut at its edges. `qr` gets corner marks, `portrait`
    is mirrored and gets the oval, both in `colour`. A `finger` impression is shown whole on white.
    """

    rect: Rect
    kind: str
    colour: str = "#FFFFFF"

    def fit(self, frame: Pixels) -> Pixels:
        """Return (rect.h, rect.w, 3) RGB for `frame`: (h, w) grey or (h, w, 3) RGB, uint8."""
        return np.asarray(self.fit_picture(Image.fromarray(np.ascontiguousarray(frame))))

    def fit_picture(self, picture: Image.Image) -> Image.Image:
        size = (self.rect.w, self.rect.h)
        if self.kind == "finger":
            return _whole(picture, size)
        filled = _filling(picture, size)
        if self.kind == "portrait":
            filled = filled.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.kind != "still":
            guide = GUIDES[self.kind](size, self.colour)
            filled.paste(guide, mask=guide)
        return filled


def _filling(picture: Image.Image, size: Size) -> Image.Image:
    share = min(picture.width / size[0], picture.height / size[1])
    wide, high = size[0] * share, size[1] * share
    left, top = (picture.width - wide) / 2, (picture.height - high) / 2
    part = (left, top, left + wide, top + high)
    return picture.convert("RGB").resize(size, Image.Resampling.BILINEAR, part, reducing_gap=2.0)


def _whole(picture: Image.Image, size: Size) -> Image.Image:
    share = min(size[0] / picture.width, size[1] / picture.height)
    inner = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    shown = Image.new("RGB", size, "#FFFFFF")
    at = ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)
    shown.paste(picture.convert("RGB").resize(inner, Image.Resampling.BILINEAR, reducing_gap=2.0), at)
    return shown


@functools.lru_cache(maxsize=6)
def oval_overlay(size_px: Size, colour: str) -> Image.Image:
    """Return an RGBA veil with a clear oval where the face belongs, its edge in `colour`."""
    grid = (100.0, 100.0 * size_px[1] / size_px[0])
    sketch = Sketch(size_px, grid)
    face = Box(19, grid[1] * 0.07, 62, grid[1] * 0.7)
    sketch.image.paste((10, 25, 45, 120), (0, 0, *sketch.image.size))
    sketch.ellipse(face, "#00000000", colour, 1.8)
    return sketch.done()


@functools.lru_cache(maxsize=6)
def corner_overlay(size_px: Size, colour: str) -> Image.Image:
    """Return RGBA corner marks around the middle, where a code belongs."""
    grid = (100.0, 100.0 * size_px[1] / size_px[0])
    sketch = Sketch(size_px, grid)
    left, right, top, bottom = 14.0, 86.0, grid[1] / 2 - 36, grid[1] / 2 + 36
    for x, inwards in ((left, 14), (right, -14)):
        for y, down in ((top, 14), (bottom, -14)):
            sketch.line(((x + inwards, y), (x, y), (x, y + down)), colour, 2.6)
            sketch.disc(x, y, 1.3, colour)
    return sketch.done()


GUIDES = {"portrait": oval_overlay, "qr": corner_overlay}
