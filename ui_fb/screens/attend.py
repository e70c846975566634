"""When the procedure waits for somebody: HELP, STILL_THERE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.page import Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, bar, button, footer, hint, lead

REASONS = (
    "registry_away", "person_unknown", "registry_wrong", "card_differs", "unreadable", "guardian", "no_proof",
    "finger_differs", "field_wrong", "finger_failed", "portrait_flagged", "portrait_failed", "lost_finger",
    "lost_camera", "lost_chip", "card_wrong", "card_moved", "card_gone", "chip_wrong", "already_issued",
    "signer_refused", "finger_twice", "finger_swapped", "finger_stranger", "finger_officer",
    "signer_away", "name_refused", "portrait_refused", "content_refused", "step_failed",
    "pin_locked", "glass_not_empty",
)  # fmt: skip
"""Why an officer is called; nothing of it when the person asked for one."""
NEEDS_OFFICER = (
    "registry_away", "person_unknown", "registry_wrong", "card_differs", "guardian", "finger_twice",
    "finger_swapped", "finger_stranger", "finger_officer",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Help(Screen):
    """An officer has been called, and why (one of REASONS, or empty).

    `retry` offers to go on alone; else the officer's button, which asks for the badge, is the primary one.
    """

    retry: bool = False
    reason: str = ""

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.6, 0.4), gap=16)
        page.scene(right.inset(4, 14), "officer_comes")
        rest = page.title(page.say("help.title"), left, lines=2)
        if self.reason:
            why, rest = rest.take_top(92, gap=12)
            hint(page, why, "info", page.say(f"help_reason.{self.reason}"), size=30)
        lead(page, rest, page.say("help.lead"), lines=3 if self.reason else 4, size=30 if self.reason else 32)
        officer = Button(page.say("help.officer"), "officer")
        if self.retry:
            retry = Button(page.say("help.retry"), "retry", "next")
            footer(page, retry, help_=False, back=True, other=officer)
        else:
            footer(page, officer, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"coming": cls(), "retry": cls(retry=True)} | {
            reason: cls(retry=reason not in NEEDS_OFFICER, reason=reason) for reason in REASONS
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StillThere(Screen):
    """Nobody has touched anything; in `seconds_left` of `seconds` the screen is cleared."""

    seconds_left: int
    seconds: int = 30

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("still_there.title"))
        words, count = rest.columns((0.72, 0.28), gap=16)
        text, line = words.rows((2, 1), gap=8)
        lead(page, text, page.say("still_there.lead"), lines=3)
        page.text(count, str(self.seconds_left), 150, weight=Weight.HEAVY, align="centre")
        bar(page, line.centred(line.w, 36), self.seconds_left / max(1, self.seconds))
        page.touch(page.body, "here")
        here = Button(page.say("still_there.here"), "here", "hand")
        button(page, footer(page), here, "primary", size=40)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"twenty": cls(seconds_left=20), "five": cls(seconds_left=5)}
