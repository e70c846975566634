"""PORTRAIT: a live mirror with an oval, and one thing to do at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import Page
from ui_fb.screen import Screen
from ui_fb.widgets import footer, hint

ADVICE = {  # hint → icon
    "no_face": "person",
    "one_person": "people",
    "closer": "closer",
    "farther": "farther",
    "centre_face": "target",
    "look_straight": "eye",
    "head_upright": "upright",
    "more_light": "light",
    "even_light": "shade",
    "too_bright": "light",
    "hold_still": "hand",
    "open_eyes": "eye",
    "close_mouth": "mouth",
    "camera_dark": "camera",
    "light_behind": "shade",
    "no_glasses": "eye",
    "uncover_face": "person",
    "plain_background": "person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait(Screen):
    """`good` of `wanted` frames in a row are good; `hint` is a portrait hint, empty when all is well."""

    hint: str = ""
    good: int = 0
    wanted: int = 5

    def compose(self, page: Page) -> None:
        left, right = page.inner.columns((0.53, 0.47), gap=18)
        taking = not self.hint and self.good > 0
        page.preview(right, "portrait", page.colours.band if not taking else "#3DDC84")
        rest = page.title(page.say("portrait.title"), left.take_bottom(113)[1], lines=2)
        advice = rest.take_top(min(122, rest.h), gap=8)[0]
        if self.hint:
            hint(page, advice, ADVICE[self.hint], page.say(f"portrait_hint.{self.hint}"), size=34, lines=3)
        elif taking:
            hint(page, advice, "check", page.say("portrait.taking"), "good", size=34, lines=3)
        else:
            hint(page, advice, "camera", page.say("portrait.idle"), size=34, lines=3)
        free = footer(page, back=True)
        self._dots(page, Box(free.x, free.y, left.right - free.x, free.h))

    def _dots(self, page: Page, box: Box) -> None:
        for number, spot in enumerate(box.inset(4, 0).columns(self.wanted)):
            side = min(24.0, spot.w - 3)
            dot = spot.centred(side, side)
            if number < self.good:
                page.fill(dot, page.colours.good, side / 2)
            else:
                page.card(dot, page.colours.card, page.colours.line, side / 2, 2.5)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"idle": cls(), "taking": cls(good=3)} | {name: cls(hint=name) for name in ADVICE}
