"""Two hands as their owner sees them, backs up: what each of ten fingers is waiting for."""

from __future__ import annotations

import functools

from PIL import Image

from ui_fb.canvas import Sketch
from ui_fb.geometry import Box, Size
from ui_fb.theme import Palette

POSITIONS = (  # in enrolment order; ISO/IEC 19794 finger positions 1..10
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
MARKS = ("todo", "now", "done", "excepted")
GRID = (216, 96)
FINGERS = {  # the right hand on a grid of 100 × 96: root, tip, thickness
    "thumb": ((35, 80), (10, 55), 13.5),
    "index": ((38, 58), (32, 20), 13),
    "middle": ((51, 56), (50, 11), 13.5),
    "ring": ((64, 57), (68, 18), 13),
    "little": ((76, 62), (86, 34), 11.5),
}
Point = tuple[float, float]


@functools.lru_cache(maxsize=32)
def hands(size_px: Size, marks: tuple[str, ...], colours: Palette) -> Image.Image:
    """Return both hands as an RGBA picture; `marks` are ten of MARKS in the order of POSITIONS."""
    picture = _empty_hands(size_px, colours).copy()
    for finger, mark in sorted(zip(POSITIONS, marks, strict=True), key=lambda pair: pair[1] == "now"):
        drawn, at = _finger(size_px, finger, mark, colours)
        picture.alpha_composite(drawn, at)
    return picture


@functools.lru_cache(maxsize=4)
def _empty_hands(size_px: Size, colours: Palette) -> Image.Image:
    sketch = Sketch(size_px, GRID)
    for side in ("left", "right"):
        limbs = [_limb(side, name) for name in FINGERS]
        palm = [_place(side, point) for point in ((31, 56), (83, 60), (82, 100), (36, 100))]
        for grow, colour in ((2.4, colours.line), (0.0, colours.skin)):
            for root, tip, thick in limbs:
                sketch.line((root, tip), colour, thick + grow)
            sketch.line((*palm, palm[0]), colour, 8 + grow)
            sketch.polygon(palm, colour)
    return sketch.done()


@functools.lru_cache(maxsize=64)
def _finger(size_px: Size, finger: str, mark: str, colours: Palette) -> tuple[Image.Image, tuple[int, int]]:
    """Return one finger's mark and where its picture lies on both hands'."""
    root, tip, thick = _limb(*finger.split("_"))
    unit = min(size_px[0] / GRID[0], size_px[1] / GRID[1])
    left, top = (size_px[0] - GRID[0] * unit) / 2, (size_px[1] - GRID[1] * unit) / 2
    reach = thick / 2 + 4
    x0, y0 = (
        int(o + (min(a, b) - reach) * unit) for o, a, b in ((left, root[0], tip[0]), (top, root[1], tip[1]))
    )
    x1, y1 = (
        int(o + (max(a, b) + reach) * unit) for o, a, b in ((left, root[0], tip[0]), (top, root[1], tip[1]))
    )
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(size_px[0], x1), min(size_px[1], y1)
    sketch = Sketch((x1 - x0, y1 - y0), ((x1 - x0) / unit, (y1 - y0) / unit))
    shift = ((x0 - left) / unit, (y0 - top) / unit)
    _mark(sketch, _less(root, shift), _less(tip, shift), thick, mark, colours)
    return sketch.done(), (x0, y0)


def _mark(sketch: Sketch, root: Point, tip: Point, thick: float, mark: str, colours: Palette) -> None:
    middle = _between(root, tip, 0.45)
    if mark == "now":
        sketch.line((_between(root, tip, 0.3), tip), colours.on_accent, thick + 6.5)
        sketch.line((_between(root, tip, 0.3), tip), colours.accent, thick + 3)
        for radius in (1.7, 3.9, 6.1):
            around = Box(tip[0] - radius, tip[1] - radius, 2 * radius, 2 * radius)
            sketch.arc(around, 150, 390, colours.on_accent, 1.1)
    elif mark == "done":
        sketch.line((middle, tip), colours.good, thick - 1)
        x, y = _between(root, tip, 0.88)
        ticks = ((x - 3.4, y + 0.2), (x - 1, y + 2.8), (x + 3.6, y - 2.8))
        sketch.line(ticks, colours.on_accent, 1.8)
    elif mark == "excepted":
        sketch.line((middle, tip), colours.quiet, thick - 1)
        x, y = _between(root, tip, 0.88)
        sketch.line(((x - 3, y), (x + 3, y)), colours.on_accent, 1.9)
    else:
        sketch.line((middle, tip), colours.line, thick - 1)
        sketch.line((middle, tip), colours.card, thick - 3)


def _less(point: Point, shift: Point) -> Point:
    return point[0] - shift[0], point[1] - shift[1]


def _limb(side: str, name: str) -> tuple[Point, Point, float]:
    root, tip, thick = FINGERS[name]
    return _place(side, root), _place(side, tip), thick


def _place(side: str, point: Point) -> Point:
    x, y = point
    return (116 + x, y) if side == "right" else (100 - x, y)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def marks_with(now: str, others: str = "todo") -> tuple[str, ...]:
    """Return ten marks of which only `now` is asked for."""
    return tuple("now" if finger == now else others for finger in POSITIONS)
