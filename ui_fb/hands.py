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


@functools.lru_cache(maxsize=64)
def hands(size_px: Size, marks: tuple[str, ...], colours: Palette) -> Image.Image:
    """Return both hands as an RGBA picture; `marks` are ten of MARKS in the order of POSITIONS."""
    sketch = Sketch(size_px, GRID)
    by_finger = dict(zip(POSITIONS, marks, strict=True))
    for side in ("left", "right"):
        _hand(sketch, side, by_finger, colours)
    return sketch.done()


def _hand(sketch: Sketch, side: str, marks: dict[str, str], colours: Palette) -> None:
    limbs = {name: _limb(side, name) for name in FINGERS}
    palm = [_place(side, point) for point in ((31, 56), (83, 60), (82, 100), (36, 100))]
    for grow, colour in ((2.4, colours.line), (0.0, colours.skin)):
        for root, tip, thick in limbs.values():
            sketch.line((root, tip), colour, thick + grow)
        sketch.line((*palm, palm[0]), colour, 8 + grow)
        sketch.polygon(palm, colour)
    for name, (root, tip, thick) in limbs.items():
        _finger(sketch, root, tip, thick, marks[f"{side}_{name}"], colours)


def _finger(sketch: Sketch, root: Point, tip: Point, thick: float, mark: str, colours: Palette) -> None:
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
