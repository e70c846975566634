"""Fitting text into boxes: NFC, wrapping, shrinking between two sizes, an error where that is not enough."""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

from PIL import Image, ImageDraw

from ui_fb.theme import Weight, font

PITCH = 1.24  # from one baseline to the next, as a share of the font size
ASCENT, DESCENT = 0.98, 0.26  # a line's ink without the accents of capitals, likewise
ELLIPSIS = "…"


class TextDoesNotFit(ValueError):
    """At its smallest allowed size the text is still larger than its box."""

    def __init__(self, text: str, width_px: int, height_px: int) -> None:
        super().__init__(f"{text!r} does not fit {width_px}×{height_px} px")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text asks for: `size_px` if it can, never under `min_px`, on at most `lines` lines."""

    weight: Weight
    size_px: int
    min_px: int
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines to draw at one font size; `cut` says that letters were left out."""

    lines: tuple[str, ...]
    weight: Weight
    size_px: int
    cut: bool = False

    @property
    def height_px(self) -> float:
        return height(self.size_px, len(self.lines))


def nfc(text: str) -> str:
    """Return `text` as every screen draws it. Decomposed Vietnamese would be set wrongly."""
    return unicodedata.normalize("NFC", text)


def height(size_px: float, lines: int) -> float:
    return size_px * (ASCENT + DESCENT + PITCH * (lines - 1))


def width(text: str, weight: Weight, size_px: int) -> float:
    return font(weight, size_px).getlength(text)


def fit(text: str, width_px: int, height_px: int, wanted: Wanted, strict: bool) -> Fitted:
    """Return `text` set into the box; raises TextDoesNotFit if `strict`, else cuts it with "…"."""
    for size in range(wanted.size_px, wanted.min_px - 1, -1):
        most = min(wanted.lines, _lines_that_fit(size, height_px))
        lines = wrap(text, width_px, wanted.weight, size)
        if 0 < len(lines) <= most and _widest(lines, wanted.weight, size) <= width_px:
            return Fitted(_balanced(text, lines, width_px, wanted.weight, size), wanted.weight, size)
    if strict:
        raise TextDoesNotFit(text, width_px, height_px)
    return _cut(text, width_px, height_px, wanted)


# The catalogue's words are fitted and drawn again and again; what a person is called must leave no trace.
fit_again = functools.lru_cache(maxsize=1024)(fit)


def wrap(text: str, width_px: float, weight: Weight, size_px: int) -> list[str]:
    """Break at spaces and newlines; a word wider than the box stands alone on its line."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and width(longer, weight, size_px) > width_px:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def mask(text: str, weight: Weight, size_px: int) -> Image.Image:
    """Return the line as coverage (mode L); the baseline lies `ceil(1.2 · size_px)` below its top."""
    drawn = font(weight, size_px)
    picture = Image.new("L", (round(drawn.getlength(text)) + size_px, 2 * size_px))
    at = (size_px // 4, baseline(size_px))
    ImageDraw.Draw(picture).text(at, text, fill=255, font=drawn, anchor="ls")
    return picture


mask_again = functools.lru_cache(maxsize=512)(mask)


def baseline(size_px: int) -> int:
    """Rows from the top of a `mask` to its baseline: room for a capital's marks (1.125 of the size)."""
    return -(-size_px * 6 // 5)


def _lines_that_fit(size_px: int, height_px: float) -> int:
    room = height_px / size_px - ASCENT - DESCENT
    return 0 if room < 0 else 1 + int(room / PITCH + 1e-6)


def _widest(lines: list[str], weight: Weight, size_px: int) -> float:
    return max(width(line, weight, size_px) for line in lines)


def _balanced(text: str, lines: list[str], width_px: int, weight: Weight, size_px: int) -> tuple[str, ...]:
    """Make the lines about equally long without adding one: no lonely last word."""
    if len(lines) == 1 or "\n" in text:
        return tuple(lines)
    low, high = width_px // 2, width_px
    while high - low > 8:
        middle = (low + high) // 2
        tried = wrap(text, middle, weight, size_px)
        if len(tried) == len(lines) and _widest(tried, weight, size_px) <= middle:
            high, lines = middle, tried
        else:
            low = middle
    return tuple(lines)


def _cut(text: str, width_px: int, height_px: int, wanted: Wanted) -> Fitted:
    size = wanted.min_px
    most = max(1, min(wanted.lines, _lines_that_fit(size, height_px)))
    kept = wrap(text, width_px, wanted.weight, size)
    lines = kept[:most]
    for row, line in enumerate(lines):
        last = row == most - 1 and len(kept) > most
        lines[row] = _shortened(line + ELLIPSIS if last else line, width_px, wanted.weight, size)
    return Fitted(tuple(lines), wanted.weight, size, cut=True)


def _shortened(line: str, width_px: int, weight: Weight, size_px: int) -> str:
    while len(line) > 1 and width(line, weight, size_px) > width_px:
        line = line.rstrip(ELLIPSIS)[:-1].rstrip() + ELLIPSIS
    return line
