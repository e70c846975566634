"""Icons as shapes (the font has no arrows and no ticks); a function's name is the icon's."""

from __future__ import annotations

import functools

from PIL import Image

from ui_fb.pen import FINE, Drawing, Pen

ICONS: dict[str, Drawing] = {}


def icon(draw: Drawing) -> Drawing:
    ICONS[draw.__name__.removeprefix("_")] = draw
    return draw


@functools.lru_cache(maxsize=256)
def icon_mask(name: str, side_px: int) -> Image.Image:
    """Return an icon's coverage (mode L), `side_px` square; raises KeyError for an unknown name."""
    pen = Pen(side_px)
    ICONS[name](pen)
    return pen.image.reduce(FINE)


@icon
def _help(p: Pen) -> None:
    p.ring(12, 12, 10.4)
    p.arc(12, 9.6, 3.9, 175, 60, 2.5)
    p.line((13.3, 12.2), (12, 13.9), thick=2.5)
    p.disc(12, 17.6, 1.55)


@icon
def _back(p: Pen) -> None:
    p.line((20, 12), (4.5, 12))
    p.line((11, 5.2), (4.2, 12), (11, 18.8))


@icon
def _next(p: Pen) -> None:
    p.line((4, 12), (19.5, 12))
    p.line((13, 5.2), (19.8, 12), (13, 18.8))


@icon
def _down(p: Pen) -> None:
    p.line((12, 3), (12, 20), thick=3)
    p.line((5, 13), (12, 20.4), (19, 13), thick=3)


@icon
def _up(p: Pen) -> None:
    p.line((12, 21), (12, 4), thick=3)
    p.line((5, 11), (12, 3.6), (19, 11), thick=3)


@icon
def _check(p: Pen) -> None:
    p.line((3.8, 12.8), (9.4, 18.4), (20.4, 6.2), thick=3.2)


@icon
def _cross(p: Pen) -> None:
    p.line((5, 5), (19, 19), thick=3.2)
    p.line((19, 5), (5, 19), thick=3.2)


@icon
def _dot(p: Pen) -> None:
    p.disc(12, 12, 10)


@icon
def _circle(p: Pen) -> None:
    p.ring(12, 12, 10)


@icon
def _bandage(p: Pen) -> None:
    p.line((5.4, 18.6), (18.6, 5.4), thick=9.4)
    p.line((9.2, 8.4), (15.6, 14.8), thick=1.4, ink=0)
    p.line((8.4, 9.2), (14.8, 15.6), thick=1.4, ink=0)
    for x, y in ((12, 9.6), (9.6, 12), (14.4, 12), (12, 14.4)):
        p.disc(x, y, 0.9, 0)


@icon
def _erase(p: Pen) -> None:
    p.polygon((1.5, 12), (8, 4.5), (22.5, 4.5), (22.5, 19.5), (8, 19.5))
    p.line((11.4, 8.6), (18.2, 15.4), thick=2.2, ink=0)
    p.line((18.2, 8.6), (11.4, 15.4), thick=2.2, ink=0)


@icon
def _warn(p: Pen) -> None:
    p.polygon((12, 1.8), (23, 21.6), (1, 21.6))
    p.line((12, 9), (12, 14.4), thick=2.4, ink=0)
    p.disc(12, 18, 1.45, 0)


@icon
def _info(p: Pen) -> None:
    p.ring(12, 12, 10.4)
    p.disc(12, 7.2, 1.6)
    p.line((12, 11.4), (12, 17.4), thick=2.6)


@icon
def _qr(p: Pen) -> None:
    for x, y in ((2, 2), (14, 2), (2, 14)):
        p.box(x, y, x + 8, y + 8, 1, 2)
        p.solid(x + 3, y + 3, x + 5, y + 5)
    for x, y in ((14, 14), (19, 14), (16.5, 16.8), (14, 19.5), (19.5, 19.5)):
        p.solid(x, y, x + 2.6, y + 2.6)


@icon
def _card(p: Pen) -> None:
    p.box(1.2, 4, 22.8, 20, 2.4)
    p.solid(4.6, 9, 10, 14.4, 1)
    p.line((13.6, 9.8), (19, 9.8), thick=1.9)
    p.line((13.6, 13.6), (19, 13.6), thick=1.9)


@icon
def _keys(p: Pen) -> None:
    for row in range(3):
        for column in range(3):
            p.disc(5 + 7 * column, 4.2 + 7 * row, 2.35)


@icon
def _ticket(p: Pen) -> None:
    p.box(2, 5, 22, 19, 2)
    p.disc(2, 12, 2.8, 0)
    p.disc(22, 12, 2.8, 0)
    p.arc(2, 12, 2.9, 270, 90, 1.9)
    p.arc(22, 12, 2.9, 90, 270, 1.9)
    for y in (7.4, 11, 14.6):
        p.solid(14.2, y, 15.8, y + 1.9)


@icon
def _finger(p: Pen) -> None:
    p.line((12, 7.5), (12, 24), thick=11)
    for r in (1.7, 4.1):
        p.draw.arc(p._at(12 - r, 8.5 - r, 12 + r, 8.5 + r), 180, 360, fill=0, width=round(1.3 * p.unit))
        p.line((12 - r + 0.6, 8.5), (12 - r + 0.6, 12.5), thick=1.2, ink=0)
        p.line((12 + r - 0.6, 8.5), (12 + r - 0.6, 12.5), thick=1.2, ink=0)


@icon
def _hand(p: Pen) -> None:
    for x, top in ((7.6, 6.2), (11.2, 3.4), (14.8, 4), (18.2, 6.8)):
        p.line((x, top), (x, 13), thick=2.9)
    p.solid(6.2, 11, 19.7, 21.6, 4.5)
    p.line((3.2, 12.6), (7.6, 18), thick=2.9)


@icon
def _person(p: Pen) -> None:
    p.disc(12, 7.6, 4.9)
    p.draw.pieslice(p._at(2.6, 14, 21.4, 33), 180, 360, fill=255)


@icon
def _people(p: Pen) -> None:
    for x in (6.4, 17.6):
        p.disc(x, 8.6, 3.6)
        p.draw.pieslice(p._at(x - 6, 13.6, x + 6, 27), 180, 360, fill=255)


@icon
def _officer(p: Pen) -> None:
    _person(p)
    p.solid(6.4, 2.6, 17.6, 5.6, 1)
    p.solid(4.6, 5, 19.4, 6.8, 0.8)
    p.polygon((12, 15.6), (13.4, 18.6), (12, 22.6), (10.6, 18.6), ink=0)


@icon
def _camera(p: Pen) -> None:
    p.box(1.4, 6, 22.6, 20.4, 2.4)
    p.ring(12, 13.2, 4.2)
    p.solid(8, 3.4, 16, 7, 1)


@icon
def _lock(p: Pen) -> None:
    p.solid(3.8, 10.4, 20.2, 22, 2)
    p.arc(12, 9.4, 5.6, 180, 360, 2.4)
    p.solid(6.4, 9, 8.8, 12)
    p.solid(15.2, 9, 17.6, 12)
    p.disc(12, 15.4, 1.9, 0)
    p.line((12, 15.4), (12, 18.6), thick=1.6, ink=0)


@icon
def _clock(p: Pen) -> None:
    p.ring(12, 12, 10.4)
    p.line((12, 6), (12, 12.4), (16.4, 15), thick=2.3)


@icon
def _offline(p: Pen) -> None:
    for r in (4.6, 9, 13.4):
        p.arc(12, 18.5, r, 225, 315, 2.4)
    p.disc(12, 18.6, 2)
    p.line((3, 2.6), (21, 21.4), thick=5.4, ink=0)
    p.line((3, 2.6), (21, 21.4), thick=2.4)


@icon
def _search(p: Pen) -> None:
    p.ring(10.2, 10.2, 7.8, 2.6)
    p.line((16.2, 16.2), (21.4, 21.4), thick=3.2)


@icon
def _pause(p: Pen) -> None:
    p.solid(5, 3, 10, 21, 1.4)
    p.solid(14, 3, 19, 21, 1.4)


@icon
def _play(p: Pen) -> None:
    p.polygon((5.5, 2.4), (21.5, 12), (5.5, 21.6))


@icon
def _tool(p: Pen) -> None:
    p.line((4.4, 19.6), (14, 10), thick=4.4)
    p.disc(16.2, 7.8, 6)
    p.polygon((16.4, 7.6), (16.6, -1), (25, 0), (25, 7.4), ink=0)
    p.disc(4.6, 19.4, 1.1, 0)


@icon
def _pencil(p: Pen) -> None:
    p.polygon((2, 22), (3.6, 15.8), (15.4, 4), (20, 8.6), (8.2, 20.4))
    p.polygon((16.8, 2.6), (18, 1.6), (22.4, 6), (21.4, 7.2))


@icon
def _drop(p: Pen) -> None:
    p.disc(12, 15, 7)
    p.polygon((12, 1.6), (18.6, 13), (5.4, 13))


@icon
def _dry(p: Pen) -> None:
    p.box(3, 3, 21, 21, 2)
    for y in (8, 12, 16):
        p.line((6.6, y), (9.4, y - 1.6), (12, y), (14.6, y + 1.6), (17.4, y), thick=1.7)


@icon
def _target(p: Pen) -> None:
    p.ring(12, 12, 7.4)
    p.disc(12, 12, 2.4)
    for a, b in (
        ((12, 0.9), (12, 6)),
        ((12, 18), (12, 23.1)),
        ((0.9, 12), (6, 12)),
        ((18, 12), (23.1, 12)),
    ):
        p.line(a, b, thick=1.8)


@icon
def _press_more(p: Pen) -> None:
    p.line((12, 1.6), (12, 13.6), thick=3.2)
    p.line((6, 8.4), (12, 14.4), (18, 8.4), thick=3.2)
    p.solid(2, 18, 22, 22, 1.6)


@icon
def _press_less(p: Pen) -> None:
    p.line((12, 15.4), (12, 3.4), thick=3.2)
    p.line((6, 8.6), (12, 2.6), (18, 8.6), thick=3.2)
    p.solid(2, 18, 22, 22, 1.6)


@icon
def _clean(p: Pen) -> None:
    for x, y, r in ((9.0, 13.0, 8.0), (18.6, 5.4, 4.6), (19.0, 19.0, 3.6)):
        k = r * 0.26
        p.polygon(
            (x, y - r), (x + k, y - k), (x + r, y), (x + k, y + k),
            (x, y + r), (x - k, y + k), (x - r, y), (x - k, y - k),
        )  # fmt: skip


@icon
def _swap(p: Pen) -> None:
    p.line((3, 8), (20, 8))
    p.line((15.4, 3), (20.6, 8), (15.4, 13))
    p.line((21, 17), (4, 17))
    p.line((8.6, 12), (3.4, 17), (8.6, 22))


@icon
def _closer(p: Pen) -> None:
    for sx, sy in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        x, y = 12 - 3.4 * sx, 12 - 3.4 * sy
        p.line((x, y), (12 - 9.6 * sx, 12 - 9.6 * sy), thick=2.2)
        p.line((12 - 9.8 * sx, y), (12 - 9.8 * sx, 12 - 9.8 * sy), (x, 12 - 9.8 * sy), thick=2.2)


@icon
def _farther(p: Pen) -> None:
    for sx, sy in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        x, y = 12 - 3 * sx, 12 - 3 * sy
        p.line((x, y), (12 - 9.6 * sx, 12 - 9.6 * sy), thick=2.2)
        p.line((x, 12 - 9.4 * sy), (x, y), (12 - 9.4 * sx, y), thick=2.2)


@icon
def _eye(p: Pen) -> None:
    p.draw.chord(p._at(0.6, 4.6, 23.4, 27.4), 205, 335, fill=255)
    p.draw.chord(p._at(0.6, -3.4, 23.4, 19.4), 25, 155, fill=255)
    p.disc(12, 12, 4.9, 0)
    p.disc(12, 12, 2.7)


@icon
def _mouth(p: Pen) -> None:
    p.ring(12, 12, 10.4)
    p.disc(8.2, 9.2, 1.6)
    p.disc(15.8, 9.2, 1.6)
    p.line((7.6, 16.2), (16.4, 16.2), thick=2.3)


@icon
def _upright(p: Pen) -> None:
    p.oval(4.6, 3.2, 19.4, 21.8, 2.4)
    for y in (0.9, 8.4, 15.9):
        p.line((12, y), (12, y + 3.4 if y > 1 else y), thick=2)
    for x in (8.6, 15.4):
        p.disc(x, 10.6, 1.5)


@icon
def _light(p: Pen) -> None:
    p.disc(12, 12, 5)
    for dx, dy in (
        (0, 1), (1, 0), (0, -1), (-1, 0), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7)
    ):  # fmt: skip
        p.line((12 + 7.6 * dx, 12 + 7.6 * dy), (12 + 10.6 * dx, 12 + 10.6 * dy), thick=2)


@icon
def _shade(p: Pen) -> None:
    p.ring(12, 12, 10.2)
    p.draw.pieslice(p._at(1.8, 1.8, 22.2, 22.2), 90, 270, fill=255)


@icon
def _phone(p: Pen) -> None:
    p.box(5.6, 1, 18.4, 23, 2.6)
    p.line((10.6, 19.6), (13.4, 19.6), thick=1.6)


@icon
def _bin(p: Pen) -> None:
    p.solid(3.6, 4.6, 20.4, 7.2, 0.8)
    p.solid(9, 2, 15, 5, 0.8)
    p.solid(5.2, 8.8, 18.8, 22, 1.6)
    for x in (9.4, 14.6):
        p.line((x, 12), (x, 18.6), thick=1.7, ink=0)


@icon
def _box(p: Pen) -> None:
    p.box(2.4, 8, 21.6, 22, 1.4)
    p.solid(1.2, 2.6, 22.8, 8.4, 1)
    p.line((9.4, 13), (14.6, 13), thick=2)


@icon
def _temperature(p: Pen) -> None:
    p.line((12, 4.4), (12, 16), thick=6)
    p.disc(12, 18, 5.4)
    p.line((12, 9), (12, 18), thick=1.8, ink=0)
    p.disc(12, 18, 2.4, 0)


@icon
def _disk(p: Pen) -> None:
    for y in (2, 9.2, 16.4):
        p.solid(2, y, 22, y + 5.8, 1.4)
        p.disc(18, y + 2.9, 1.2, 0)


@icon
def _net(p: Pen) -> None:
    for r in (4.6, 9, 13.4):
        p.arc(12, 18.5, r, 225, 315, 2.4)
    p.disc(12, 18.6, 2)


@icon
def _up_tray(p: Pen) -> None:
    p.line((12, 15), (12, 3.4), thick=2.6)
    p.line((6.6, 8), (12, 2.8), (17.4, 8), thick=2.6)
    p.line((2.6, 14.6), (2.6, 21), (21.4, 21), (21.4, 14.6), thick=2.4)
