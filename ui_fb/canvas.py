"""Ink on a picture: smooth shapes, icons and lines of text, placed in layout units.

Pillow draws without smoothing, so shapes are drawn `FINE` times larger as coverage masks, reduced, and kept.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PIL import Image, ImageDraw

from ui_fb.geometry import Box, Rect, Size
from ui_fb.icons import icon_mask
from ui_fb.text import ASCENT, PITCH, Fitted, baseline, mask, mask_again, width

FINE = 4
SKETCH_FINE = 3  # large pictures need less


class Canvas:
    """A picture of `size` pixels with `scale` pixels a unit; every method draws at once."""

    def __init__(self, size: Size, scale: float, ground: str) -> None:
        self.scale = scale
        self.image = Image.new("RGB", size, ground)

    def px(self, box: Box) -> Rect:
        """Return the pixels of `box`: edges are rounded, so that neighbours neither overlap nor gape."""
        left, top = round(box.x * self.scale), round(box.y * self.scale)
        return Rect(
            left,
            top,
            round(box.right * self.scale) - left,
            round(box.bottom * self.scale) - top,
        )

    def fill(self, box: Box, colour: str, radius: float = 0) -> None:
        """Paint a box, its corners rounded by `radius`."""
        self._fill(self.px(box), colour, round(radius * self.scale))

    def card(self, box: Box, fill: str, edge: str, radius: float, thick: float) -> None:
        """Paint a rounded box with an edge `thick` units wide inside it."""
        at, round_px, thick_px = self.px(box), round(radius * self.scale), max(1, round(thick * self.scale))
        self._fill(at, edge, round_px)
        inner = Rect(at.x + thick_px, at.y + thick_px, at.w - 2 * thick_px, at.h - 2 * thick_px)
        self._fill(inner, fill, max(0, round_px - thick_px))

    def _fill(self, at: Rect, colour: str, radius_px: int) -> None:
        if radius_px:
            self.image.paste(colour, (at.x, at.y), rounded(at.w, at.h, radius_px))
        else:
            self.image.paste(colour, (at.x, at.y, at.right, at.bottom))

    def icon(self, box: Box, name: str, colour: str) -> None:
        """Draw an icon in the middle of `box`, as large as fits."""
        side = round(min(box.w, box.h) * self.scale)
        at = self.px(box.centred(side / self.scale, side / self.scale))
        self.image.paste(colour, (at.x, at.y), icon_mask(name, side))

    def text(self, box: Box, fitted: Fitted, colour: str, align: str, valign: str, keep: bool) -> None:
        """Set lines into `box`. `keep` caches their pixels: never for what a person is called."""
        at = self.px(box)
        free = at.h - fitted.height_px
        top = at.y + {"top": 0.0, "middle": free / 2, "bottom": free}[valign]
        draw = mask_again if keep else mask
        for row, line in enumerate(fitted.lines):
            ink = draw(line, fitted.weight, fitted.size_px)
            slack = at.w - width(line, fitted.weight, fitted.size_px)
            left = at.x + {"left": 0.0, "centre": slack / 2, "right": slack}[align]
            base = top + fitted.size_px * (ASCENT + PITCH * row)
            spot = (round(left) - fitted.size_px // 4, round(base) - baseline(fitted.size_px))
            self.image.paste(colour, spot, ink)

    def picture(self, box: Box, picture: Image.Image) -> None:
        """Paste a finished picture at the top left of `box`, through its own transparency if it has any."""
        at = self.px(box)
        self.image.paste(picture, (at.x, at.y), picture if picture.mode == "RGBA" else None)


@functools.lru_cache(maxsize=256)
def rounded(width_px: int, height_px: int, radius_px: int) -> Image.Image:
    """Return the coverage (mode L) of a rounded box; only its corners are drawn fine."""
    radius_px = max(0, min(radius_px, width_px // 2, height_px // 2))
    shape = Image.new("L", (width_px, height_px), 255)
    if radius_px == 0:
        return shape
    side = 2 * radius_px
    disc = Image.new("L", (side * FINE, side * FINE))
    ImageDraw.Draw(disc).ellipse((0, 0, side * FINE - 1, side * FINE - 1), fill=255)
    disc = disc.reduce(FINE)
    for x, left in ((0, 0), (radius_px, width_px - radius_px)):
        for y, top in ((0, 0), (radius_px, height_px - radius_px)):
            corner = disc.crop((x, y, x + radius_px, y + radius_px))
            shape.paste(corner, (left, top))
    return shape


class Sketch:
    """A small many-coloured picture on a grid of its own, drawn fine and reduced: hands, cards, ovals."""

    def __init__(self, size: Size, grid: tuple[float, float]) -> None:
        self.size = size
        self.unit = min(size[0] / grid[0], size[1] / grid[1]) * SKETCH_FINE
        self.left = (size[0] * SKETCH_FINE - grid[0] * self.unit) / 2
        self.top = (size[1] * SKETCH_FINE - grid[1] * self.unit) / 2
        self.image = Image.new("RGBA", (size[0] * SKETCH_FINE, size[1] * SKETCH_FINE), (255, 255, 255, 0))
        self.draw = ImageDraw.Draw(self.image)

    def at(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(self.left + x * self.unit, self.top + y * self.unit) for x, y in points]

    def polygon(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        self.draw.polygon(self.at(points), fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: str, thick: float) -> None:
        """A line with round ends and joints."""
        spots = self.at(points)
        self.draw.line(spots, fill=colour, width=max(1, round(thick * self.unit)), joint="curve")
        for x, y in (spots[0], spots[-1]):
            r = thick * self.unit / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        ((cx, cy),) = self.at([(x, y)])
        r = radius * self.unit
        self.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=colour)

    def ellipse(self, box: Box, colour: str | None, edge: str | None = None, thick: float = 0) -> None:
        spots = [v for p in self.at([(box.x, box.y), (box.right, box.bottom)]) for v in p]
        self.draw.ellipse(spots, fill=colour, outline=edge, width=max(1, round(thick * self.unit)))

    def arc(self, box: Box, start: float, end: float, colour: str, thick: float) -> None:
        """Part of an ellipse, degrees clockwise from the right."""
        self.draw.arc(
            [v for p in self.at([(box.x, box.y), (box.right, box.bottom)]) for v in p],
            start,
            end,
            fill=colour,
            width=max(1, round(thick * self.unit)),
        )

    def box(
        self,
        box: Box,
        colour: str | None,
        radius: float = 0,
        edge: str | None = None,
        thick: float = 0,
    ) -> None:
        self.draw.rounded_rectangle(
            [v for p in self.at([(box.x, box.y), (box.right, box.bottom)]) for v in p],
            radius * self.unit,
            fill=colour,
            outline=edge,
            width=max(1, round(thick * self.unit)),
        )

    def done(self) -> Image.Image:
        return self.image.reduce(SKETCH_FINE)
