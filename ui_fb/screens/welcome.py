"""Before and after a person's procedure: ATTRACT, LANGUAGE, FAREWELL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, button, footer, lead
from ui_fb.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Attract(Screen):
    """Nobody is here: a greeting in every language. The whole screen starts."""

    def compose(self, page: Page) -> None:
        page.touch(page.all, "start")
        rest = page.title(page.say("attract.title"))
        lead(page, rest, page.say("attract.lead"))
        footer(page, Button(page.say("attract.start"), "start", "next"))

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"idle": cls()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(Screen):
    """Each language is offered in its own words."""

    offered: tuple[str, ...] = ("vi", "en")

    def compose(self, page: Page) -> None:
        page.title(page.say("language.title"))
        footer(page, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"choose": cls()}
