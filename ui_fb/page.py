"""One page being laid out: it draws, or only notes what can be touched, from the same description.

A screen's `compose` is run on a page twice: with a canvas to be seen, without one to be felt. So a target
always lies where its button was drawn. The frame around every screen (strip, steps, the bottom row's place)
is here: the same places for the same things.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ui_fb.canvas import Canvas
from ui_fb.geometry import Box, Rect, Size, Target
from ui_fb.hands import hands
from ui_fb.pictures import scene
from ui_fb.preview import Preview
from ui_fb.text import PITCH, Fitted, Wanted, fit, fit_again, width
from ui_fb.theme import TARGET, TITLE, Palette, Theme, Weight
from ui_fb.words import words

MARGIN = 20
STRIP = 38
FOOTER = TARGET + 16  # the bottom row with its air
GAP = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """What the strip around a screen shows, whoever the person is."""

    language: str
    simulated: bool
    step: int
    steps: int
    error: str = ""


class Page:
    """The surface that `Screen.compose` writes on; measures are layout units."""

    def __init__(
        self, size: Size, theme: Theme, frame: Frame, preview: Image.Image | None, visible: bool
    ) -> None:
        self.size, self.theme, self.frame = size, theme, frame
        self.scale = theme.scale(size)
        self.colours: Palette = theme.palette
        self.words = words(frame.language)
        self.all = Box(0, 0, size[0] / self.scale, size[1] / self.scale)
        self.targets: list[Target] = []
        self.inks: list[Rect] = []  # the boxes that texts were set into: no two may overlap
        self.live: Preview | None = None
        self.preview_picture = preview
        self.canvas = self._canvas() if visible else None

    # --- places -------------------------------------------------------------------------------------

    @property
    def inner(self) -> Box:
        """Everything under the strip, inside the margins."""
        top = STRIP + 8
        return Box(MARGIN, top, self.all.w - 2 * MARGIN, self.all.h - top - 8)

    @property
    def body(self) -> Box:
        """`inner` without the bottom row."""
        return self.inner.take_bottom(FOOTER - 8)[1]

    @property
    def bottom(self) -> Box:
        """The bottom row: help in its left corner, back beside it, the primary button on the right."""
        return self.inner.take_bottom(TARGET)[0]

    def px(self, box: Box) -> Rect:
        left, top = round(box.x * self.scale), round(box.y * self.scale)
        right, bottom = round(box.right * self.scale), round(box.bottom * self.scale)
        return Rect(left, top, right - left, bottom - top)

    # --- words --------------------------------------------------------------------------------------

    def say(self, key: str, **fields: str | int) -> str:
        return self.words.say(key, **fields)

    def fit(
        self,
        box: Box,
        text: str,
        size: float,
        *,
        least: float = 0,
        lines: int = 1,
        weight: Weight = Weight.TEXT,
        private: bool = False,
    ) -> Fitted:
        """Return `text` set for `box`: shrunk from `size` to `least` (0.72 of it), on at most `lines` lines.

        `private` texts (what a person is called, where they live) are kept in no cache. Raises TextDoesNotFit
        on a strict theme.
        """
        wanted = Wanted(weight, self.font_px(size), self.font_px(least or size * 0.72), lines)
        at = self.px(box)
        return (fit if private else fit_again)(text, at.w, at.h, wanted, self.theme.strict)

    def lines(
        self,
        box: Box,
        fitted: Fitted,
        *,
        colour: str = "",
        align: str = "left",
        valign: str = "middle",
        private: bool = False,
    ) -> None:
        """Draw what `fit` returned."""
        self.inks.append(self.px(box))
        if self.canvas:
            self.canvas.text(box, fitted, colour or self.colours.ink, align, valign, not private)

    def text(
        self,
        box: Box,
        text: str,
        size: float,
        *,
        least: float = 0,
        lines: int = 1,
        weight: Weight = Weight.TEXT,
        colour: str = "",
        align: str = "left",
        valign: str = "middle",
        private: bool = False,
    ) -> None:
        """`fit` and draw."""
        fitted = self.fit(box, text, size, least=least, lines=lines, weight=weight, private=private)
        self.lines(box, fitted, colour=colour, align=align, valign=valign, private=private)

    def width(self, fitted: Fitted) -> float:
        """Return how wide the fitted lines are, in units."""
        return max(width(line, fitted.weight, fitted.size_px) for line in fitted.lines) / self.scale

    def font_px(self, size: float) -> int:
        return round(size * self.scale)

    def title(self, text: str, box: Box | None = None, lines: int = 1, size: float = TITLE) -> Box:
        """Set the screen's one sentence at the top; return what is left of `box` (or the body) under it."""
        area = self.body if box is None else box
        head = area.take_top(size * (PITCH * lines + 0.04))[0]
        fitted = self.fit(head, text, size, least=TITLE, lines=lines, weight=Weight.STRONG)
        used, rest = area.take_top(size * (PITCH * len(fitted.lines) + 0.04), gap=8)
        self.lines(used, fitted)
        return rest

    # --- shapes -------------------------------------------------------------------------------------

    def fill(self, box: Box, colour: str, radius: float = 0) -> None:
        if self.canvas:
            self.canvas.fill(box, colour, radius)

    def card(self, box: Box, fill: str = "", edge: str = "", radius: float = 14, thick: float = 2) -> None:
        if self.canvas:
            fill, edge = fill or self.colours.card, edge or self.colours.line
            self.canvas.card(box, fill, edge, radius, thick)

    def icon(self, box: Box, name: str, colour: str = "") -> None:
        if self.canvas:
            self.canvas.icon(box, name, colour or self.colours.ink)

    def picture(self, box: Box, picture: Image.Image) -> None:
        if self.canvas:
            self.canvas.picture(box, picture)

    def preview(self, box: Box, kind: str, colour: str = "#FFFFFF") -> None:
        """Keep `box` for the live picture of `kind`; a gallery's stand-in is drawn at once."""
        self.live = Preview(self.px(box), kind, colour)
        if self.canvas and self.preview_picture:
            self.picture(box, self.live.fit_picture(self.preview_picture))
        elif self.canvas:
            self.fill(box, self.colours.skin)

    def scene(self, box: Box, name: str) -> None:
        """Draw one of `pictures` into `box`."""
        if self.canvas:
            at = self.px(box)
            self.picture(box, scene(name, (at.w, at.h), self.colours))

    def hands(self, box: Box, marks: tuple[str, ...]) -> None:
        """Draw both hands; `marks` as in `ui_fb.hands`."""
        if self.canvas:
            at = self.px(box)
            self.picture(box, hands((at.w, at.h), marks, self.colours))

    def qr(self, box: Box, content: str) -> None:
        """Draw a QR code (ISO/IEC 18004, level M) on white, as large as whole pixels allow."""
        self.fill(box, "#FFFFFF", radius=10)
        if self.canvas:
            at = self.px(box)
            code = qr_picture(content, min(at.w, at.h))
            spot = Box(
                box.x + (at.w - code.width) / 2 / self.scale,
                box.y + (at.h - code.height) / 2 / self.scale,
                0,
                0,
            )
            self.picture(spot, code)

    def touch(self, box: Box, action: str) -> None:
        """Make `box` mean `action`."""
        self.targets.append(Target(self.px(box), action))

    # --- the frame's own layer ----------------------------------------------------------------------

    def _canvas(self) -> Canvas:
        canvas = Canvas(self.size, self.scale, self.colours.ground)
        canvas.image.paste(strip(self.size, self.theme, self.frame))
        return canvas


def qr_picture(content: str, side_px: int) -> Image.Image:
    """Return a black and white QR code at most `side_px` wide, its quiet zone of four modules included."""
    import segno  # it brings XML and HTTP along: an eighth of the time to the greeting, which shows no code

    rows = [[255 * (not dark) for dark in row] for row in segno.make_qr(content, error="m").matrix]
    code = Image.fromarray(np.pad(np.array(rows, np.uint8), 4, constant_values=255))
    return code.resize((max(1, side_px // code.width) * code.width,) * 2, Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=24)
def strip(size: Size, theme: Theme, frame: Frame) -> Image.Image:
    """The strip along the top with the step, or the SIMULATED band: drawn once a step."""
    scale, colours, say = theme.scale(size), theme.palette, words(frame.language).say
    back, front = (colours.band, colours.on_band) if frame.simulated else (colours.strip, colours.on_strip)
    canvas = Canvas((size[0], round(STRIP * scale)), scale, back)
    inside = Box(MARGIN, 0, size[0] / scale - 2 * MARGIN, STRIP)
    name = say("frame.simulated" if frame.simulated else "frame.station")
    parts: Sequence[tuple[str, Box, str]] = [(name, inside.take_left(460)[0], "left")]
    if frame.steps:
        step = say("frame.step", step=frame.step, steps=frame.steps)
        place, rest = inside.take_right(130, gap=12)
        parts = [*parts, (step, place, "right")]
        _steps(canvas, rest.take_right(116)[0], frame, front, back)
    elif frame.error:
        parts = [*parts, (frame.error, inside.take_right(130)[0], "right")]
    for text, box, align in parts:
        wanted = Wanted(Weight.STRONG, round(21 * scale), round(17 * scale))
        fitted = fit(text, canvas.px(box).w, canvas.px(box).h, wanted, theme.strict)
        canvas.text(box, fitted, front, align, "middle", keep=False)
    return canvas.image


def _steps(canvas: Canvas, box: Box, frame: Frame, front: str, back: str) -> None:
    line = Box(box.x, box.y + (box.h - 10) / 2, box.w, 10)
    for number, mark in enumerate(line.columns(frame.steps, gap=3), start=1):
        if number <= frame.step:
            canvas.fill(mark, front, 3)
        else:
            canvas.card(mark, back, front, 3, 1.5)
