"""What screens are made of. Each draws on a page and makes its box touchable where that is its purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.theme import Weight

CORNER_WIDE, PRIMARY_WIDE = 118, 300


@dataclass(frozen=True, slots=True)
class Button:
    """A label with its action; `icon` stands before it."""

    label: str
    action: str
    icon: str = ""


def footer(
    page: Page,
    primary: Button | None = None,
    *,
    back: bool = False,
    help_: bool = True,
    other: Button | None = None,
) -> Box:
    """Draw the bottom row; return what is free between help/back and the primary button."""
    row = page.bottom
    if help_:
        spot, row = row.take_left(CORNER_WIDE, gap=GAP)
        stacked(page, spot, Button(page.say("frame.help"), "help", "help"))
    if back:
        spot, row = row.take_left(CORNER_WIDE, gap=GAP)
        stacked(page, spot, Button(page.say("frame.back"), "back", "back"))
    if primary:
        spot, row = row.take_right(PRIMARY_WIDE, gap=GAP)
        button(page, spot, primary, style="primary")
    if other:
        spot, row = row.take_right(min(240, row.w), gap=GAP)
        button(page, spot, other)
    return row


STYLES = {  # fill, edge, ink
    "primary": ("accent", "accent", "on_accent"),
    "plain": ("card", "accent", "accent"),
    "chosen": ("accent_soft", "accent", "accent"),
    "wrong": ("alert", "alert", "on_accent"),
    "quiet": ("card", "line", "quiet"),
}


def button(page: Page, box: Box, what: Button, style: str = "plain", size: float = 32) -> None:
    """A button: icon and label side by side, in the middle together."""
    fill, edge, ink = (getattr(page.colours, name) for name in STYLES[style])
    page.touch(box, what.action)
    page.card(box, fill, edge, radius=16, thick=2.5)
    inner = box.inset(14, 6)
    mark = (36, 12) if what.icon else (0, 0)
    room = inner.take_left(mark[0], gap=mark[1])[1]
    fitted = page.fit(room, what.label, size, least=22, lines=2, weight=Weight.STRONG)
    whole = inner.centred(page.width(fitted) + sum(mark) + 1, inner.h)
    spot, label = whole.take_left(mark[0], gap=mark[1])
    if what.icon:
        page.icon(spot.centred(mark[0], mark[0]), what.icon, ink)
    page.lines(label, fitted, colour=ink, align="left" if what.icon else "centre")


def stacked(page: Page, box: Box, what: Button, style: str = "plain", size: float = 23) -> None:
    """A button with its icon above its label."""
    fill, edge, ink = (getattr(page.colours, name) for name in STYLES[style])
    page.touch(box, what.action)
    page.card(box, fill, edge, radius=16, thick=2.5)
    top, label = box.inset(8, 7).rows((1, 1.24), gap=2)
    page.icon(top.centred(38, 38), what.icon, ink)
    page.text(label, what.label, size, least=18, lines=2, weight=Weight.STRONG, colour=ink, align="centre")


def tile(page: Page, box: Box, what: Button, note: str = "") -> None:
    """A large choice: icon on the left, label and perhaps a note beside it."""
    page.touch(box, what.action)
    page.card(box, page.colours.card, page.colours.accent, radius=16, thick=2.5)
    spot, words = box.inset(18, 10).take_left(60, gap=18)
    page.icon(spot.centred(56, 56), what.icon, page.colours.accent)
    if note:
        words, under = words.centred(words.w, min(88, words.h)).rows((1.25, 1), gap=0)
        page.text(under, note, 22, least=18, lines=1, colour=page.colours.quiet, valign="top")
    page.text(words, what.label, 32, least=24, lines=1 if note else 2, weight=Weight.STRONG)


TONES = {  # fill, ink
    "plain": ("accent_soft", "ink", "accent"),
    "good": ("good_soft", "good", "good"),
    "alert": ("alert_soft", "alert", "alert"),
}


def hint(
    page: Page, box: Box, icon: str, text: str, tone: str = "plain", size: float = 36, lines: int = 2
) -> None:
    """What the person should do now: a sign and a few words on a soft ground."""
    fill, ink, mark = (getattr(page.colours, name) for name in TONES[tone])
    page.fill(box, fill, radius=14)
    side = min(54.0, box.h - 16)
    spot, words = box.inset(16, 4).take_left(side, gap=16)
    page.icon(spot.centred(side, side), icon, mark)
    page.text(words, text, size, least=22, lines=lines, weight=Weight.STRONG, colour=ink)


def bar(page: Page, box: Box, fraction: float, colour: str = "") -> None:
    """A progress bar; `fraction` is clamped to 0..1."""
    part = min(1.0, max(0.0, fraction))
    page.card(box, page.colours.card, page.colours.line, radius=box.h / 2, thick=2)
    if part > 0:
        filled = box.inset(4)
        width = max(filled.h, filled.w * part)
        page.fill(filled.take_left(width)[0], colour or page.colours.accent, radius=filled.h / 2)


def lead(page: Page, box: Box, text: str, lines: int = 2, size: float = 32) -> None:
    """A quiet explaining text under the title."""
    page.text(box, text, size, least=24, lines=lines, colour=page.colours.quiet, valign="top")


def rows_of(page: Page, box: Box, lines: Sequence[tuple[str, str]], *, size: float = 30) -> None:
    """Label and value pairs, one under the other, with hair lines between."""
    for number, (row, (label, value)) in enumerate(zip(box.rows(len(lines)), lines, strict=True)):
        if number:
            page.fill(Box(row.x, row.y - 0.75, row.w, 1.5), page.colours.line)
        left, right = row.columns((0.37, 0.63), gap=12)
        page.text(left, label, size * 0.84, least=19, colour=page.colours.quiet)
        page.text(right, value, size, least=20, weight=Weight.STRONG, private=True)


KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "erase", "0", "ok")


def keypad(page: Page, box: Box, ok: str, *, ready: bool) -> None:
    """Twelve keys as on a telephone; the primary one is bottom right, as everywhere. `ready` lights it."""
    cells = [cell for row in box.rows(4) for cell in row.columns(3)]
    for key, cell in zip(KEYS, cells, strict=True):
        face = cell.inset(4)
        if key == "ok":
            _ok_key(page, cell, face, ok, ready)
            continue
        page.touch(cell, "erase" if key == "erase" else f"digit:{key}")
        page.card(face, page.colours.card, page.colours.line, radius=14, thick=2)
        if key == "erase":
            sign, word = face.inset(4, 9).rows((1.3, 1))
            page.icon(sign.centred(42, 42), "erase", page.colours.ink)
            page.text(word, page.say("pad.erase"), 24, least=18, weight=Weight.STRONG, align="centre")
        else:
            page.text(face, key, 52, weight=Weight.STRONG, align="centre")


def _ok_key(page: Page, cell: Box, face: Box, label: str, ready: bool) -> None:
    colours = page.colours
    page.touch(cell, "ok")
    if ready:
        page.card(face, colours.accent, colours.accent, radius=14)
    else:
        page.card(face, colours.ground, colours.line, radius=14)
    page.text(
        face.inset(6), label, 34, least=22, lines=2, weight=Weight.STRONG,
        colour=colours.on_accent if ready else colours.quiet, align="centre",
    )  # fmt: skip
