"""SWAP: one box takes another's place, guided. A technician's screens, a step each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.screens.identify import NUMBER_DIGITS, digit_slots, pad_beside
from ui_fb.theme import Weight
from ui_fb.widgets import Button, bar, button, footer, hint, lead, rows_of, stacked

WAYS = ("give", "take")
FACTS = ("box", "epoch", "records", "drafts", "blanks")
BLANK_DIGITS = 5
TICKETS_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStick(Screen):
    """A stick is waited for. `swap`: give (this box's work goes onto it), take (another box's is on it).

    `reading`: one is in, and what lies on it is verified.
    """

    swap: str = "take"
    reading: bool = False

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.66, 0.34), gap=16)
        page.icon(right.centred(170, 170), "disk", page.colours.accent)
        kind = "reading" if self.reading else self.swap
        rest = page.title(page.say(f"put_stick.title_{kind}"), left, lines=2)
        lead(page, rest, page.say(f"put_stick.lead_{kind}"), lines=4, size=30)
        footer(page, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {swap: cls(swap=swap) for swap in WAYS} | {"reading": cls(reading=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StickShows(Screen):
    """What is on the stick, or would go onto it: `facts` (key of FACTS, value). Nothing was moved yet."""

    swap: str = "take"
    facts: tuple[tuple[str, str], ...]

    def compose(self, page: Page) -> None:
        rest = page.title(page.say(f"stick_shows.title_{self.swap}"))
        _facts(page, rest, self.facts)
        go = Button(page.say(f"stick_shows.go_{self.swap}"), "ok", "next")
        free = footer(page, go, help_=False, back=True)
        hint(page, free, "info", page.say(f"stick_shows.note_{self.swap}"), size=24, lines=3)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        facts = tuple(zip(FACTS, ("BOX-17", "3", "300", "5", "182"), strict=True))
        return {swap: cls(swap=swap, facts=facts) for swap in WAYS} | {"order": cls(facts=facts[:2])}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCode(Screen):
    """The station's recovery code, twelve digits from the technician's card, where no camera reads it."""

    digits: str = ""
    problem: bool = False
    scan: bool = True

    def compose(self, page: Page) -> None:
        left = pad_beside(page, page.say("pad.ok"), ready=len(self.digits) == NUMBER_DIGITS)
        rest = page.title(page.say("recovery_code.title"), left)
        slots, rest = rest.take_top(126, gap=8)
        digit_slots(page, slots, self.digits, (3, 3, 3, 3), wrap=2)
        if self.problem:
            hint(page, rest, "warn", page.say("recovery_code.wrong"), "alert", size=26, lines=3)
        elif self.scan:
            button(
                page, rest.centred(rest.w, 108), Button(page.say("recovery_code.scan"), "scan", "qr"), size=26
            )
        footer(page, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "empty": cls(),
            "half": cls(digits="407125"),
            "no_camera": cls(scan=False),
            "wrong": cls(digits="", problem=True),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCode(Screen):
    """The same code, shown to the camera as a QR code."""

    problem: bool = False

    def compose(self, page: Page) -> None:
        left, right = page.inner.columns((0.52, 0.48), gap=18)
        page.preview(right, "qr")
        rest = page.title(page.say("recovery_code.title"), left.take_bottom(113)[1], lines=2)
        if self.problem:
            hint(page, rest, "warn", page.say("recovery_code.wrong"), "alert", size=27, lines=4)
        else:
            lead(page, rest, page.say("recovery_code.lead"), lines=5, size=28)
        row = left.take_bottom(105)[0]
        spot, row = row.take_left(118, gap=GAP)
        stacked(page, spot, Button(page.say("frame.back"), "back", "back"))
        button(page, row, Button(page.say("recovery_code.type"), "type", "keys"), size=28)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"looking": cls(), "wrong": cls(problem=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CountBlanks(Screen):
    """How many blank cards lie here, counted by hand; `stated` is what the other box says (None: unknown)."""

    digits: str = ""
    stated: int | None = None

    def compose(self, page: Page) -> None:
        left = pad_beside(page, page.say("pad.ok"), ready=bool(self.digits))
        rest = page.title(page.say("count_blanks.title"), left, lines=2)
        slot, rest = rest.take_top(76, gap=12)
        page.card(slot, page.colours.card, page.colours.accent, 8, 3)
        page.text(slot.inset(14, 0), self.digits, 46, least=30, weight=Weight.STRONG, align="right")
        if self.stated is None:
            note = page.say("count_blanks.unknown")
        else:
            note = page.say("count_blanks.stated", count=self.stated)
        page.text(rest, note, 27, lines=3, colour=page.colours.quiet, valign="top")
        footer(page, help_=False, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"empty": cls(stated=182), "typed": cls(digits="182", stated=182), "unknown": cls()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving(Screen):
    """`done` of `of` files are whole; `of` 0: it is not known yet."""

    swap: str = "take"
    done: int = 0
    of: int = 0

    def compose(self, page: Page) -> None:
        rest = page.title(page.say(f"moving.title_{self.swap}"), lines=2)
        line, words = rest.rows((1, 1), gap=GAP)
        bar(page, line.centred(line.w, 40), self.done / self.of if self.of else 0.0)
        count = page.say("moving.files", done=self.done, of=self.of) if self.of else page.say("moving.begins")
        page.text(words, count, 34, colour=page.colours.quiet, align="centre")
        hint(page, footer(page, help_=False), "hand", page.say("moving.leave_it"), size=34)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"begins": cls(), "take": cls(done=127, of=305), "give": cls(swap="give", done=12, of=305)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped(Screen):
    """What was moved; `tickets` can be resumed here from now on, `more` others too."""

    swap: str = "take"
    facts: tuple[tuple[str, str], ...]
    tickets: tuple[str, ...] = ()
    more: int = 0

    def compose(self, page: Page) -> None:
        rest = page.title(page.say(f"swapped.title_{self.swap}"))
        if self.swap == "take" and self.tickets:
            rest, right = rest.columns((0.6, 0.4), gap=18)
            _tickets(page, right, self.tickets, self.more)
        _facts(page, rest, self.facts)
        free = footer(page, Button(page.say("swapped.ok"), "ok", "check"), help_=False)
        hint(page, free, "check", page.say(f"swapped.note_{self.swap}"), "good", size=27)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        facts = tuple(zip(FACTS, ("BOX-17", "3", "300", "5", "182"), strict=True))
        tickets = ("1234 5678", "4071 2586", "9213 0045", "8846 1170")
        return {
            "give": cls(swap="give", facts=facts),
            "take": cls(facts=facts, tickets=tickets, more=1),
            "no_drafts": cls(facts=facts[:3]),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapStopped(Screen):
    """It cannot go on like this: `cause` and `remedy` as the error catalogue has them in this language."""

    cause: str
    remedy: str

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("swap_stopped.title"))
        why(page, rest, self.cause, self.remedy)
        again = Button(page.say("swap_stopped.again"), "ok", "next")
        page.text(
            footer(page, again, help_=False, back=True), page.say("swap_stopped.safe"), 26, least=22, lines=2,
            colour=page.colours.quiet,
        )  # fmt: skip

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        cause = "USB này thuộc đơn vị khác."
        remedy = "Dùng USB và máy dự phòng của cùng đơn vị, hoặc xin lệnh của trung tâm."
        return {"other_pool": cls(error="E-511", cause=cause, remedy=remedy)}


def why(page: Page, box: Box, cause: str, remedy: str) -> None:
    """What happened, and under it, marked, what to do: as long as the catalogue allows."""
    first, second = box.rows((1, 1.15), gap=GAP)
    page.text(first, cause, 32, least=21, lines=4, weight=Weight.STRONG)
    page.fill(second, page.colours.accent_soft, radius=14)
    spot, words = second.inset(16, 6).take_left(44, gap=16)
    page.icon(spot.centred(44, 44), "tool", page.colours.accent)
    page.text(words, remedy, 30, least=20, lines=5)


def _facts(page: Page, box: Box, facts: Sequence[tuple[str, str]]) -> None:
    rows = [(page.say(f"swap_fact.{name}"), value) for name, value in facts]
    used = box.take_top(min(box.h, 52.0 * len(rows)))[0]
    rows_of(page, used, rows)


def _tickets(page: Page, box: Box, tickets: Sequence[str], more: int) -> None:
    page.card(box, page.colours.card, page.colours.line)
    head, rest = box.inset(14, 8).take_top(34, gap=6)
    page.text(head, page.say("swapped.tickets"), 24, least=18, colour=page.colours.quiet)
    lines = [*tickets[:TICKETS_SHOWN], *([page.say("swapped.more", count=more)] if more else [])]
    for row, text in zip(rest.rows(TICKETS_SHOWN + 1), lines, strict=False):
        page.text(row, text, 30, least=20, weight=Weight.STRONG)
