"""The box itself: started by its staff after it was switched on, a technician's acts, what a code means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.screens.swap import why
from ui_fb.widgets import Button, button, footer, hint, lead, tile
from ui_fb.words import LANGUAGES, words

ACTS = {"give": "up_tray", "take": "box", "codes": "info"}  # act → icon
START_PROBLEMS = ("pin_locked", "badge_unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBox(Screen):
    """The box was switched on and is locked: its staff open it. Nobody has chosen a language yet: in both.

    `problem`: one of START_PROBLEMS, or empty.
    """

    problem: str = ""

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.6, 0.4), gap=14)
        page.scene(right.inset(0, 6), "badge")
        rest = page.title(page.say("start_box.title"), left, lines=2)
        other = next(words(language) for language in LANGUAGES if language != self.language)
        if self.problem:
            box, rest = rest.take_top(100, gap=10)
            hint(page, box, "warn", page.say(f"start_box.{self.problem}"), "alert", size=27, lines=3)
        else:
            box, rest = rest.take_top(82, gap=10)
            lead(page, box, page.say("start_box.lead"), lines=2, size=30)
        if self.problem:
            text = other.say(f"start_box.{self.problem}")
        else:
            text = f"{other.say('start_box.title')}. {other.say('start_box.lead')}"
        page.text(rest, text, 24, least=19, lines=4, colour=page.colours.quiet, valign="top")

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"locked": cls(error="E-501")} | {p: cls(problem=p, error="E-501") for p in START_PROBLEMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxActs(Screen):
    """What a technician may do with the box as a whole: `acts` of ACTS."""

    acts: tuple[str, ...] = tuple(ACTS)

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("box_acts.title"))
        rows = rest.rows(2, gap=GAP)
        boxes = [box for row in rows for box in row.columns(2, gap=GAP)]
        for box, act in zip(boxes, self.acts, strict=False):
            what = Button(page.say(f"box_acts.{act}"), f"act:{act}", ACTS[act])
            tile(page, box, what, page.say(f"box_acts.{act}_note"))
        footer(page, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"all": cls(), "well": cls(acts=("give", "take"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain(Screen):
    """An entry of the error catalogue: its code, and its `cause` and `remedy` in this language."""

    cause: str
    remedy: str
    page: int = 1
    pages: int = 1

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("explain.title", code=self.error))
        why(page, rest, self.cause, self.remedy)
        free = footer(page, help_=False, back=True)
        if self.pages > 1:
            label = page.say("technician.page", page=self.page, pages=self.pages)
            button(page, free.take_right(240)[0], Button(label, "next"), size=26)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        cause = "Máy này đã được bàn giao: chỉ còn gửi hồ sơ, không thu nhận nữa."
        remedy = "Dùng máy thay. Để máy này nối mạng gửi hết hồ sơ, rồi trả về kho."
        one = cls(error="E-502", cause=cause, remedy=remedy)
        return {"one": one, "of_two": cls(error="E-502", cause=cause, remedy=remedy, pages=2)}
