"""CONSENT: what the data is for, and whether an electronic identity is asked for as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.page import Page
from ui_fb.screen import Screen
from ui_fb.widgets import Button, footer


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Screen):
    """The purpose, before any finger is taken (Decree 13/2023, art. 11 and 13)."""

    def compose(self, page: Page) -> None:
        _question(page, "consent", Button(page.say("consent.yes"), "consent:yes", "check"), "consent:no")

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"asked": cls()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EidRequest(Screen):
    """Does the person also want an electronic identity account? Either answer goes on."""

    def compose(self, page: Page) -> None:
        _question(page, "eid", Button(page.say("eid.yes"), "eid:yes", "phone"), "eid:no")

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"asked": cls()}


def _question(page: Page, key: str, yes: Button, no: str) -> None:
    rest = page.title(page.say(f"{key}.title"))
    page.card(rest.inset(0, 2), page.colours.card, page.colours.line)
    page.text(rest.inset(22, 12), page.say(f"{key}.text"), 34, least=26, lines=6)
    footer(page, yes, back=True, other=Button(page.say(f"{key}.no"), no))
