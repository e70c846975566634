"""The few large pictures: a card and its reader, a face in its oval, somebody at the kiosk."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PIL import Image

from ui_fb.canvas import Sketch
from ui_fb.geometry import Box, Size
from ui_fb.theme import Palette

GRID = (120, 100)
PICTURES: dict[str, Callable[[Sketch, Palette], None]] = {}


@functools.lru_cache(maxsize=32)
def scene(name: str, size_px: Size, colours: Palette) -> Image.Image:
    """Return the picture `name` as RGBA; raises KeyError for an unknown one."""
    sketch = Sketch(size_px, GRID)
    PICTURES[name](sketch, colours)
    return sketch.done()


def picture(
    draw: Callable[[Sketch, Palette], None],
) -> Callable[[Sketch, Palette], None]:
    PICTURES[draw.__name__] = draw
    return draw


def _card(s: Sketch, c: Palette, x: float, y: float, unit: float = 1.0) -> None:
    def at(left: float, top: float, wide: float, high: float) -> Box:
        return Box(x + left * unit, y + top * unit, wide * unit, high * unit)

    s.box(at(0, 0, 64, 40), c.card, 4 * unit, c.accent, 1.6 * unit)
    s.box(at(1.6, 5, 60.8, 6.5), c.accent_soft)
    s.box(at(6, 16, 11, 9), c.band, 2 * unit, c.ink, 0.7 * unit)
    s.line(((x + 6 * unit, y + 20.5 * unit), (x + 17 * unit, y + 20.5 * unit)), c.ink, 0.7 * unit)
    s.box(at(45, 15, 13, 17), c.skin, 1.5 * unit)
    s.disc(x + 51.5 * unit, y + 21 * unit, 3.2 * unit, c.quiet)
    s.box(at(47, 26, 9, 6), c.quiet, 2.5 * unit)
    for row, wide in enumerate((21, 17, 12)):
        top = y + (17 + 6 * row) * unit
        s.line(((x + 22 * unit, top), (x + (22 + wide) * unit, top)), c.line, 2 * unit)
    s.line(((x + 7 * unit, y + 33 * unit), (x + 15 * unit, y + 33 * unit)), c.line, 2 * unit)


def _reader(s: Sketch, c: Palette, y: float) -> None:
    s.box(Box(14, y, 92, 16), c.strip, 5)
    s.box(Box(22, y + 3.4, 76, 2.6), c.accent, 1.3)


def _arrow(s: Sketch, colour: str, x: float, top: float, bottom: float) -> None:
    s.line(((x, top), (x, bottom - 2)), colour, 4.4)
    s.line(((x - 8, bottom - 9), (x, bottom - 1), (x + 8, bottom - 9)), colour, 4.4)


@picture
def place_card(s: Sketch, c: Palette) -> None:
    _card(s, c, 28, 6)
    _arrow(s, c.accent, 60, 52, 76)
    _reader(s, c, 80)


@picture
def card_on(s: Sketch, c: Palette) -> None:
    for radius in (17, 27, 37):
        s.arc(Box(60 - radius, 40 - radius, 2 * radius, 2 * radius), 220, 320, c.accent, 2.6)
    _card(s, c, 28, 38)
    _reader(s, c, 80)


@picture
def card_wrong(s: Sketch, c: Palette) -> None:
    _card(s, c, 28, 22)
    _reader(s, c, 80)
    s.disc(92, 22, 15, c.alert)
    for a, b in (((86, 16), (98, 28)), ((98, 16), (86, 28))):
        s.line((a, b), c.on_accent, 3.6)


@picture
def card_locked(s: Sketch, c: Palette) -> None:
    _card(s, c, 28, 22)
    _reader(s, c, 80)
    s.disc(92, 22, 15, c.alert)
    s.arc(Box(86.5, 11.5, 11, 13), 180, 360, c.on_accent, 2.4)
    s.box(Box(84.6, 20, 14.8, 10.5), c.on_accent, 1.6)


@picture
def card_done(s: Sketch, c: Palette) -> None:
    _card(s, c, 12, 26, 1.35)
    s.disc(98, 30, 17, c.good)
    s.line(((90, 31), (96, 37), (107, 24)), c.on_accent, 4)


@picture
def welcome(s: Sketch, c: Palette) -> None:
    s.disc(60, 50, 50, c.accent_soft)
    _card(s, c, 18, 26, 1.3)
    s.disc(93, 78, 19, c.accent)
    for radius in (3, 7, 11):
        s.arc(Box(93 - radius, 80 - radius, 2 * radius, 2 * radius), 170, 370, c.on_accent, 2.2)
    s.line(((93, 80), (93, 87)), c.on_accent, 2.2)


@picture
def officer_comes(s: Sketch, c: Palette) -> None:
    s.disc(60, 50, 50, c.accent_soft)
    for x, y, colour in ((42, 40, c.quiet), (80, 36, c.accent)):
        s.disc(x, y, 11, colour)
        s.box(Box(x - 18, y + 14, 36, 60), colour, 16)
    s.box(Box(67, 22, 26, 6), c.strip, 2)
    s.box(Box(63, 27, 34, 4.4), c.strip, 2)
    s.disc(80, 25, 2.2, c.band)
    s.box(Box(86, 58, 6, 7), c.band, 1)


@picture
def searching(s: Sketch, c: Palette) -> None:
    s.disc(60, 50, 50, c.accent_soft)
    s.box(Box(32, 18, 44, 60), c.card, 4, c.accent, 2)
    for row in range(5):
        s.line(((40, 30 + 9 * row), (68 - 7 * (row % 2), 30 + 9 * row)), c.line, 2.6)
    s.disc(76, 64, 17, c.accent)
    s.disc(76, 64, 12, c.card)
    s.line(((88, 76), (99, 87)), c.accent, 6)


@picture
def ticket(s: Sketch, c: Palette) -> None:
    s.box(Box(14, 22, 92, 56), c.card, 6, c.accent, 2)
    for x in (14, 106):
        s.disc(x, 50, 8, c.ground)
    for row in range(4):
        s.line(((76, 30 + 12 * row), (76, 35 + 12 * row)), c.line, 2)
    for row, wide in enumerate((36, 28, 40)):
        s.line(((28, 38 + 11 * row), (28 + wide, 38 + 11 * row)), c.line, 3)
    s.line(((84, 50), (89, 55), (97, 44)), c.good, 3.4)


@picture
def broken(s: Sketch, c: Palette) -> None:
    s.disc(60, 50, 50, c.accent_soft)
    s.box(Box(32, 16, 56, 40), c.card, 4, c.quiet, 2.4)
    s.box(Box(54, 56, 12, 22), c.quiet)
    s.box(Box(40, 76, 40, 7), c.quiet, 3)
    s.line(((60, 25), (60, 38)), c.alert, 4.4)
    s.disc(60, 46.5, 2.8, c.alert)


@picture
def badge(s: Sketch, c: Palette) -> None:
    s.box(Box(39, 0, 42, 57), c.card, 5, c.accent, 2)
    s.box(Box(40, 1, 40, 10), c.accent, 4)
    s.box(Box(53, 4, 14, 3.6), c.card, 1.8)
    s.disc(60, 27, 8, c.quiet)
    s.box(Box(50, 17.6, 20, 4.6), c.strip, 1.5)
    s.box(Box(47.6, 21, 24.8, 2.8), c.strip, 1.2)
    s.box(Box(47, 38, 26, 13), c.quiet, 6)
    _arrow(s, c.accent, 60, 61, 80)
    _reader(s, c, 82)
