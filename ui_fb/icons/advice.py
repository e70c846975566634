"""Signs for what a finger or a face should do."""

from __future__ import annotations

from ui_fb.icons.pen import Pen, icon


@icon
def _down(p: Pen) -> None:
    p.line((12, 3), (12, 20), thick=3)
    p.line((5, 13), (12, 20.4), (19, 13), thick=3)


@icon
def _up(p: Pen) -> None:
    p.line((12, 21), (12, 4), thick=3)
    p.line((5, 11), (12, 3.6), (19, 11), thick=3)


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
def _people(p: Pen) -> None:
    for x in (6.4, 17.6):
        p.disc(x, 8.6, 3.6)
        p.draw.pieslice(p._at(x - 6, 13.6, x + 6, 27), 180, 360, fill=255)


@icon
def _camera(p: Pen) -> None:
    p.box(1.4, 6, 22.6, 20.4, 2.4)
    p.ring(12, 13.2, 4.2)
    p.solid(8, 3.4, 16, 7, 1)


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
