"""Finding the record and proving that it is this person's: LOOKUP, PROVE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.hands import marks_with
from ui_fb.page import Page
from ui_fb.screen import Screen
from ui_fb.screens.fingers import cannot, finger_advice, finger_view
from ui_fb.theme import Weight
from ui_fb.widgets import footer, hint, lead


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp(Screen):
    """The registry is asked; `offline`: the box's own extract."""

    offline: bool = False

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.6, 0.4), gap=16)
        page.scene(right.inset(4, 14), "searching")
        rest = page.title(page.say("lookup.title"), left, lines=2)
        lead(page, rest, page.say("lookup.lead"), lines=2)
        free = footer(page)
        if self.offline:
            hint(page, free, "offline", page.say("lookup.offline"), size=30)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"online": cls(), "offline": cls(offline=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prove(Screen):
    """One finger against the registry's template. `finger` is a position, `hint` a finger hint or problem.

    `lift`: a finger lies there before the attempt and has to go first.
    """

    finger: str
    hint: str = ""
    attempts_left: int = 3
    lift: bool = False

    def compose(self, page: Page) -> None:
        under = finger_view(page, self.finger, marks_with(self.finger))
        left = page.say("prove.left", count=self.attempts_left)
        page.text(under, left, 27, weight=Weight.STRONG, align="centre")
        row = footer(page, back=True)
        finger_advice(page, cannot(page, row), self.hint, self.lift, idle="prove.idle")

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        first = "right_index"
        return {
            "waiting": cls(finger=first),
            "pressing": cls(finger=first, hint="press_more", attempts_left=2),
            "no_match": cls(finger="left_index", hint="no_match", attempts_left=1),
            "lift": cls(finger=first, lift=True),
        }
