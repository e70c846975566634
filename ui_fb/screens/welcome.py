"""Before and after a person's procedure: ATTRACT, LANGUAGE, FAREWELL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, button, footer, hint, lead
from ui_fb.words import LANGUAGES, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Attract(Screen):
    """Nobody is here: a greeting in every language. The whole screen starts."""

    def compose(self, page: Page) -> None:
        page.touch(page.all, "start")
        left, right = page.body.columns((0.57, 0.43), gap=20)
        page.scene(right.inset(0, 6), "welcome")
        rest = page.title(page.say("attract.title"), left, size=76)
        first, second = rest.rows((1.5, 1), gap=8)
        lead(page, first, page.say("attract.lead"), lines=3, size=33)
        others = [words(language) for language in LANGUAGES if language != self.language]
        page.text(second, others[0].say("attract.lead"), 24, lines=3, colour=page.colours.quiet, valign="top")
        footer(page, Button(page.say("attract.start"), "start", "next"))

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"idle": cls()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(Screen):
    """Each language is offered in its own words."""

    offered: tuple[str, ...] = LANGUAGES

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("language.title"))
        head, rest = rest.take_top(40, gap=10)
        asked = " · ".join(
            words(name).say("language.title") for name in self.offered if name != self.language
        )
        page.text(head, asked, 30, colour=page.colours.quiet)
        rows = rest.rows((len(self.offered) + 1) // 2, gap=GAP)
        boxes = [box for row in rows for box in row.columns(2, gap=GAP)]
        for box, name in zip(boxes, self.offered, strict=False):
            label = words(name).say("language.name")
            button(page, box, Button(label, f"language:{name}"), size=48)
        footer(page, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"choose": cls()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell(Screen):
    """Goodbye; `card` says that a card lies on the reader and must be taken along."""

    card: bool = True
    seconds_left: int = 0

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.58, 0.42), gap=16)
        page.scene(right.inset(6, 14), "card_done" if self.card else "ticket")
        rest = page.title(page.say("farewell.title"), left, lines=2)
        take = page.say("farewell.take_card" if self.card else "farewell.keep_ticket")
        box = rest.take_top(116)[0]
        hint(page, box, "card" if self.card else "ticket", take, size=36)
        free = footer(page, Button(page.say("farewell.done"), "done", "check"), help_=False)
        if self.seconds_left:
            note = page.say("farewell.closing", seconds=self.seconds_left)
            page.text(free, note, 26, lines=2, colour=page.colours.quiet, weight=Weight.TEXT)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"card": cls(seconds_left=12), "ticket": cls(card=False)}
