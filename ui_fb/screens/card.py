"""The new card: PLACE_CARD, WRITE_CHIP, VERIFY_CHIP, LOCK_CHIP, HOLD_STILL."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import bar, footer, hint, lead

REASONS = {  # why a card is asked for → picture
    "place_card": "place_card",
    "card_foreign": "card_wrong",
    "card_locked": "card_locked",
}


STAGES = ("write_chip", "verify_chip", "lock_chip")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCard(Screen):
    """A blank card belongs on the reader. `reason`: place_card, card_foreign, card_locked."""

    reason: str = "place_card"

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.58, 0.42), gap=14)
        page.scene(right.inset(0, 10), REASONS[self.reason])
        rest = page.title(page.say(f"{self.reason}.title"), left, lines=2)
        lead(page, rest, page.say(f"{self.reason}.lead"), lines=3)
        footer(page)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {reason: cls(reason=reason) for reason in REASONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chip(Screen):
    """The card is being worked on; `fraction` 0..1 of this step is done. Nothing can be touched."""

    fraction: float = 0.0

    @property
    @abstractmethod
    def key(self) -> str: ...

    def compose(self, page: Page) -> None:
        rest = page.title(page.say(f"{self.key}.title"))
        left, right = rest.columns((0.4, 0.6), gap=20)
        page.scene(left, "card_on")
        percent, line, stages = right.inset(0, 8).rows((1.5, 0.8, 0.9), gap=8)
        done = page.say("chip.percent", percent=int(100 * min(1.0, max(0.0, self.fraction))))
        page.text(percent, done, 60, weight=Weight.STRONG)
        bar(page, line.centred(line.w, 40), self.fraction)
        self._stages(page, stages)
        hint(page, page.bottom, "hand", page.say("chip.do_not_lift"), size=44)

    def _stages(self, page: Page, box: Box) -> None:
        at = STAGES.index(self.key)
        for number, (cell, key) in enumerate(zip(box.columns((1, 1.35, 1), gap=8), STAGES, strict=True)):
            sign, words = cell.take_left(26, gap=8)
            icon = "check" if number < at else "dot" if number == at else "circle"
            colour = page.colours.accent if number <= at else page.colours.quiet
            page.icon(sign.centred(24, 24), icon, colour)
            page.text(words, page.say(f"{key}.stage"), 26, least=20, colour=colour)


class WriteChip(_Chip):
    """Data groups are written and read back."""

    __slots__ = ()
    key = "write_chip"

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"start": cls(), "half": cls(fraction=0.46)}


class VerifyChip(_Chip):
    """The signed object is written and checked up to the country's certificate."""

    __slots__ = ()
    key = "verify_chip"

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"half": cls(fraction=0.62)}


class LockChip(_Chip):
    """The card is locked, and the lock is proven."""

    __slots__ = ()
    key = "lock_chip"

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"late": cls(fraction=0.9)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStill(Screen):
    """The card moved while it was written: it must come back. `tries_left` None: they are not counted."""

    tries_left: int | None = None

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.58, 0.42), gap=14)
        page.scene(right.inset(0, 10), "place_card")
        rest = page.title(page.say("hold_still.title"), left, lines=2)
        lead(page, rest, page.say("hold_still.lead"), lines=3)
        free = footer(page)
        if self.tries_left is not None:
            hint(page, free, "warn", page.say("hold_still.left", count=self.tries_left), "alert", size=32)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"moved": cls(), "counted": cls(tries_left=2)}
