"""The officer's screens: badge and PIN, the menu of ASSISTED, exceptions, and "are you sure?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.hands import POSITIONS
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.screens.identify import digit_slots, grouped, pad_beside
from ui_fb.widgets import Button, button, footer, hint, lead, stacked, tile

ACTS = {  # act → icon
    "attest": "officer",
    "except": "finger",
    "correct": "pencil",
    "guardian": "people",
    "approve": "person",
    "void": "bin",
    "pause": "pause",
    "refuse": "cross",
    "accept": "check",
}
EXCEPTIONS = {"missing": "hand", "amputated": "cross", "bandaged": "bandage", "worn": "finger"}
QUESTIONS = {"void": "bin", "refuse": "warn", "pause": "pause", "attest": "officer"}  # act → icon
DOUBTS = ("finger_twice", "finger_swapped", "finger_stranger", "finger_officer")
PURPOSES = ("assist", "second", "technician")
OPENING = "opening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer(Screen):
    """Card, then PIN. `purpose`: assist, second (four eyes), technician; any other where the badge is shown
    elsewhere.

    `stage`: badge, pin, opening (the PIN was right, and the box opens its store).

    `entered` of `length` PIN digits are typed; `tries_left` 0 is locked. `problem`: wrong_pin, unknown_badge,
    same, not_allowed.
    """

    purpose: str = "assist"
    stage: str = "badge"
    entered: int = 0
    length: int = 6
    tries_left: int = 5
    problem: str = ""

    def compose(self, page: Page) -> None:
        if self.tries_left == 0:
            self._locked(page)
        elif self.stage == OPENING:
            self._opening(page)
        elif self.stage == "badge":
            self._badge(page)
        else:
            self._pin(page)

    def _badge(self, page: Page) -> None:
        left, right = page.body.columns((0.6, 0.4), gap=14)
        page.scene(right.inset(0, 6), "badge")
        rest = page.title(page.say(f"officer.title_{self.purpose}"), left, lines=2)
        if self.problem:
            box = rest.take_top(100)[0]
            hint(page, box, "warn", page.say(f"officer.{self.problem}"), "alert", size=28)
        else:
            lead(page, rest, page.say("officer.badge"), lines=3)
        footer(page, help_=False, back=True)

    def _pin(self, page: Page) -> None:
        left = pad_beside(page, page.say("pad.ok"), ready=self.entered == self.length)
        rest = page.title(page.say("officer.pin"), left)
        slots, rest = rest.take_top(72, gap=12)
        digit_slots(page, slots, "•" * self.entered, grouped(self.length), wrap=1, hidden=True)
        tries = page.say("officer.tries", count=self.tries_left)
        if self.problem:
            text = page.say(f"officer.{self.problem}") + " " + tries
            hint(page, rest, "warn", text, "alert", size=28, lines=3)
        else:
            page.text(rest, tries, 27, lines=2, colour=page.colours.quiet, valign="top")
        footer(page, help_=False, back=True)

    def _opening(self, page: Page) -> None:
        left, right = page.body.columns((0.6, 0.4), gap=14)
        page.icon(right.centred(150, 150), "check", page.colours.good)
        lead(page, page.title(page.say("officer.opening"), left, lines=2), page.say("lookup.lead"))

    def _locked(self, page: Page) -> None:
        left, right = page.body.columns((0.6, 0.4), gap=14)
        page.icon(right.centred(150, 150), "lock", page.colours.alert)
        rest = page.title(page.say("officer.locked"), left, lines=2)
        lead(page, rest, page.say("officer.locked_lead"), lines=4)
        footer(page, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        purposes = {purpose: cls(purpose=purpose) for purpose in PURPOSES}
        badges = {p: cls(problem=p) for p in ("unknown_badge", "same", "not_allowed")}
        return (
            purposes
            | badges
            | {
                "pin": cls(stage="pin", entered=3),
                "opening": cls(stage=OPENING),
                "wrong_pin": cls(stage="pin", tries_left=3, problem="wrong_pin"),
                "locked": cls(stage="pin", tries_left=0),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assisted(Screen):
    """What the officer may do here now: `acts` of ACTS. `officer` is who is signed in.

    `doubt` (one of DOUBTS) about the finger asked for: `like` is the finger, or the officer, that it is like
    or, for finger_stranger, unlike; `similarity` is the matcher's (40 and more: the same).
    """

    acts: tuple[str, ...] = tuple(ACTS)[:-1]
    officer: str = ""
    doubt: str = ""
    like: str = ""
    similarity: int = 0

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("assisted.title"))
        if self.doubt:
            note, rest = rest.take_top(64, gap=GAP)
            like = page.say(f"finger.{self.like}") if self.like in POSITIONS else self.like
            text = page.say(f"assisted.{self.doubt}", like=like, score=self.similarity)
            hint(page, note, "swap", text, "alert", size=26)
        rows = rest.rows(1 if self.doubt else 2, gap=GAP)
        boxes = [box for row in rows for box in row.columns(4, gap=GAP)]
        for box, act in zip(boxes, self.acts, strict=False):
            stacked(page, box, Button(page.say(f"assisted.{act}"), f"act:{act}", ACTS[act]), size=25)
        free = footer(page, Button(page.say("assisted.done"), "act:done", "check"), help_=False)
        if self.officer:
            mark, words = free.take_left(40, gap=12)
            page.icon(mark.centred(36, 36), "officer", page.colours.quiet)
            page.text(words, self.officer, 26, lines=2, colour=page.colours.quiet, private=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        officer = "Đại uý Phạm Quốc Bảo"
        doubts = {
            doubt: cls(
                officer=officer,
                acts=("accept", "except", "pause", "refuse"),
                doubt=doubt,
                like="NV-0002" if doubt == "finger_officer" else "right_index",
                similarity=7 if doubt == "finger_stranger" else 74,
            )
            for doubt in DOUBTS
        }
        few = cls(officer=officer, acts=("attest", "pause", "refuse"))
        return {"all": cls(officer=officer), "few": few} | doubts


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseFinger(Screen):
    """Which finger cannot be taken? One button a finger, a row a hand, as the hands lie."""

    marks: tuple[str, ...]

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("choose_finger.title"))
        marks = dict(zip(POSITIONS, self.marks, strict=True))
        left, right = POSITIONS[:4:-1], POSITIONS[:5]
        for row, hand in zip(rest.rows(2, gap=GAP), (left, right), strict=True):
            for box, finger in zip(row.columns(5, gap=8), hand, strict=True):
                name = page.say(f"finger.{finger}")
                style, icon = {
                    "excepted": ("quiet", "cross"),
                    "done": ("quiet", "check"),
                }.get(marks[finger], ("plain", "finger"))
                label = name[:1].upper() + name[1:]
                stacked(page, box, Button(label, f"finger:{finger}", icon), style)
        footer(page, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        marks = ("done", "done", "excepted", "now", *("todo",) * 6)
        return {"some": cls(marks=marks)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptReason(Screen):
    """Why `finger` cannot be taken: missing, amputated, bandaged, worn."""

    finger: str

    def compose(self, page: Page) -> None:
        title = page.say("except.title", finger=page.say(f"finger.{self.finger}"))
        rest = page.title(title)
        boxes = [box for row in rest.rows(2, gap=GAP) for box in row.columns(2, gap=GAP)]
        for box, (reason, icon) in zip(boxes, EXCEPTIONS.items(), strict=True):
            what = Button(page.say(f"except.{reason}"), f"except:{reason}", icon)
            tile(page, box, what, page.say(f"except.{reason}_note"))
        free = footer(page, help_=False, back=True)
        page.text(free, page.say("except.photo"), 27, lines=2, colour=page.colours.quiet)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"middle": cls(finger="right_middle")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sure(Screen):
    """One last question before an act that cannot be taken back; `question` is one of QUESTIONS."""

    question: str

    def compose(self, page: Page) -> None:
        left, right = page.body.take_right(150, gap=20)[::-1]
        page.icon(right.centred(120, 120), QUESTIONS[self.question], page.colours.accent)
        rest = page.title(page.say(f"sure.{self.question}"), left, lines=2)
        lead(page, rest, page.say(f"sure.{self.question}_lead"), lines=3)
        row = footer(page, help_=False)
        no, yes = row.columns(2, gap=GAP)
        button(page, no, Button(page.say("sure.no"), "no", "back"))
        button(page, yes, Button(page.say("sure.yes"), "yes", "check"), "primary")

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {question: cls(question=question) for question in QUESTIONS}
