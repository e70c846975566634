"""Signs for buttons, ways, acts and gauges."""

from __future__ import annotations

from ui_fb.icons.pen import Pen, icon


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
    for left, top in ((14, 14), (19, 14), (16.5, 16.8), (14, 19.5), (19.5, 19.5)):
        p.solid(left, top, left + 2.6, top + 2.6)


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
def _person(p: Pen) -> None:
    p.disc(12, 7.6, 4.9)
    p.draw.pieslice(p._at(2.6, 14, 21.4, 33), 180, 360, fill=255)


@icon
def _officer(p: Pen) -> None:
    _person(p)
    p.solid(6.4, 2.6, 17.6, 5.6, 1)
    p.solid(4.6, 5, 19.4, 6.8, 0.8)
    p.polygon((12, 15.6), (13.4, 18.6), (12, 22.6), (10.6, 18.6), ink=0)


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
