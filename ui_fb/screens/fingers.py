"""FINGERS: ten fingers, one after the other, best of several attempts each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.hands import POSITIONS, marks_with
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, bar, footer, hint, stacked

ADVICE = {  # hint or problem → icon
    "press_more": "press_more",
    "press_less": "press_less",
    "moisten": "drop",
    "dry": "dry",
    "centre": "target",
    "up": "up",
    "down": "down",
    "hold_still": "hand",
    "clean_glass": "clean",
    "other_finger": "swap",
    "no_finger": "finger",
    "blank": "finger",
    "covered": "clean",
    "no_ridges": "finger",
    "one_finger": "finger",
    "not_scored": "finger",
    "unsure": "finger",
    "no_match": "swap",
}
UNSEEN = (
    "no_finger",
    "blank",
    "covered",
    "no_ridges",
    "one_finger",
    "not_scored",
)  # problems without an impression, hence without a score
GOOD_SCORE = 60  # from here the bar is green; what is good enough is the rule pack's matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingers(Screen):
    """Ten `marks` (todo, now, done, excepted) in the order of POSITIONS, and the finger asked for `now`.

    `score` 0..100 of the last impression (None: none yet); `estimate` labels it as such. `hint` is a finger
    hint or problem; `lift`: a finger lies there before the attempt and has to go first.
    """

    marks: tuple[str, ...]
    now: str
    hint: str = ""
    score: int | None = None
    estimate: bool = True
    attempt: int = 1
    attempts: int = 3
    lift: bool = False

    def compose(self, page: Page) -> None:
        under = finger_view(page, self.now, self.marks)
        self._score(page, under)
        row = footer(page)
        finger_advice(page, cannot(page, row), self.hint, self.lift, idle="fingers.idle")

    def _score(self, page: Page, box: Box) -> None:
        words, line = box.rows((1.25, 1), gap=2)
        left, right = words.columns((0.39, 0.61), gap=4)
        tries = page.say("fingers.attempt", number=self.attempt, of=self.attempts)
        page.text(left, tries, 22, least=18, colour=page.colours.quiet)
        if self.score is None:
            return
        key = "fingers.estimate" if self.estimate else "fingers.score"
        page.text(right, page.say(key, score=self.score), 22, least=18, weight=Weight.STRONG, align="right")
        good = self.score >= GOOD_SCORE
        bar(page, line, self.score / 100, page.colours.good if good else page.colours.accent)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        first, second = POSITIONS[0], POSITIONS[1]
        start = marks_with(first)
        further = ("done", "now", *start[2:])
        late = ("done", "done", "done", "excepted", "done", "done", "now", "todo", "todo", "todo")
        advice = {
            name: cls(marks=further, now=second, hint=name, score=None if name in UNSEEN else 38, attempt=2)
            for name in ADVICE
            if name != "no_match"
        }
        return {
            "first": cls(marks=start, now=first),
            "lift": cls(marks=further, now=second, lift=True),
            "measured": cls(marks=further, now=second, score=71, estimate=False, hint="hold_still"),
            "exception": cls(marks=late, now=POSITIONS[6]),
        } | advice


# --- shared with PROVE ----------------------------------------------------------------------------------


def finger_view(page: Page, finger: str, marks: tuple[str, ...]) -> Box:
    """Finger and hands on the left, the live impression on the right; return the box under the impression."""
    left, right = page.body.columns((0.68, 0.32), gap=18)
    live, under = right.take_top(right.h - 62, gap=6)
    page.card(live, "#FFFFFF", page.colours.line, radius=6, thick=2)
    page.preview(live.inset(5), "finger")
    name = page.say(f"finger.{finger}")
    rest = page.title(name[:1].upper() + name[1:], left)
    page.hands(rest.inset(0, 4), marks)
    return under


def cannot(page: Page, row: Box) -> Box:
    """The way out for a finger that cannot be given; return the row without it."""
    spot, row = row.take_right(150, gap=GAP)
    stacked(page, spot, Button(page.say("fingers.cannot"), "cannot", "officer"))
    return row


def finger_advice(page: Page, box: Box, advice: str, lift: bool, idle: str) -> None:
    """What to do with the finger now, in words and as a sign."""
    if lift:
        hint(page, box, "finger", page.say("fingers.lift"))
    elif advice:
        tone = "alert" if advice in ("no_match", "other_finger") else "plain"
        hint(page, box, ADVICE[advice], page.say(f"finger_hint.{advice}"), tone)
    else:
        hint(page, box, "finger", page.say(idle))
