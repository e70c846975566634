"""Who is it? IDENTIFY and its four ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, bar, button, footer, hint, keypad, lead, tile

WAYS = {"qr": "qr", "chip": "card", "number": "keys", "ticket": "ticket"}  # way → icon
QR_PROBLEMS = ("not_one", "too_long", "damaged", "number", "ticket_unknown", "ticket_expired")
NUMBER_PROBLEMS = ("short", "province", "century", "date", "unknown", "minor", "away")
TICKET_PROBLEMS = ("mistyped", "unknown", "expired")
CHIP_PROBLEMS = ("can_wrong", "foreign", "unreadable", "not_genuine", "unsupported")
PAD_WIDE = 352
NUMBER_DIGITS = 12
CAN_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify(Screen):
    """The four ways to be found; one that this station lacks is left out of `ways`."""

    ways: tuple[str, ...] = ("qr", "chip", "number", "ticket")
    offline: bool = False

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("identify.title"))
        rows = rest.rows((len(self.ways) + 1) // 2, gap=GAP)
        boxes = [box for row in rows for box in row.columns(2, gap=GAP)]
        for box, way in zip(boxes, self.ways, strict=False):
            what = Button(page.say(f"identify.{way}"), f"by:{way}", WAYS[way])
            tile(page, box, what, page.say(f"identify.{way}_note"))
        free = footer(page, back=True)
        if self.offline:
            hint(page, free, "offline", page.say("identify.offline"), size=26)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"ways": cls(), "offline": cls(offline=True), "two_ways": cls(ways=("number", "ticket"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanQr(Screen):
    """The camera looks for a QR code, `what`: card, ticket. `problem`: one of QR_PROBLEMS."""

    what: str = "card"
    problem: str = ""

    def compose(self, page: Page) -> None:
        left, right = page.inner.columns((0.52, 0.48), gap=18)
        page.preview(right, "qr")
        rest = page.title(page.say(f"qr.title_{self.what}"), left.take_bottom(113)[1], lines=2)
        if self.problem:
            hint(page, rest, "warn", page.say(f"qr.{self.problem}"), "alert", size=28, lines=3)
        else:
            lead(page, rest, page.say(f"qr.lead_{self.what}"), lines=3, size=28)
        footer(page, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"looking": cls(), "ticket": cls(what="ticket")} | {p: cls(problem=p) for p in QR_PROBLEMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldChip(Screen):
    """The old card belongs on the reader; `fraction` is read of it (None: it does not lie there yet)."""

    fraction: float | None = None

    def compose(self, page: Page) -> None:
        reading = self.fraction is not None
        rest = page.title(page.say("old_chip.reading" if reading else "old_chip.title"))
        left, right = rest.columns((0.44, 0.56), gap=20)
        page.scene(left, "card_on" if reading else "place_card")
        if self.fraction is not None:
            bar(page, right.centred(right.w, 34), self.fraction)
        else:
            page.text(right, page.say("old_chip.lead"), 32, lines=4, colour=page.colours.quiet)
        free = footer(page, back=True)
        if reading:
            hint(page, free, "hand", page.say("chip.do_not_lift"), size=32)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"waiting": cls(), "reading": cls(fraction=0.4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterCan(Screen):
    """The card access number, six digits: it opens the old card's chip. `problem`: one of CHIP_PROBLEMS."""

    digits: str = ""
    problem: str = ""

    def compose(self, page: Page) -> None:
        left = pad_beside(page, page.say("pad.ok"), ready=len(self.digits) == CAN_DIGITS)
        rest = page.title(page.say("can.title"), left)
        slots, rest = rest.take_top(72, gap=12)
        digit_slots(page, slots, self.digits, (3, 3), wrap=1)
        below(page, rest, self.problem and f"can.{self.problem}", "can.lead")
        footer(page, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"empty": cls(), "half": cls(digits="407")} | {
            p: cls(digits="407125", problem=p) for p in CHIP_PROBLEMS
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterNumber(Screen):
    """The personal number, twelve digits. `problem`: one of NUMBER_PROBLEMS; `whose`: own, guardian."""

    digits: str = ""
    problem: str = ""
    whose: str = "own"

    def compose(self, page: Page) -> None:
        left = pad_beside(page, page.say("pad.ok"), ready=len(self.digits) == NUMBER_DIGITS)
        rest = page.title(page.say(f"number.title_{self.whose}"), left)
        slots, rest = rest.take_top(126, gap=8)
        digit_slots(page, slots, self.digits, (3, 3, 3, 3), wrap=2)
        below(page, rest, self.problem and f"number.{self.problem}", "number.lead")
        footer(page, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        full = "001085012345"
        return {
            "empty": cls(),
            "half": cls(digits=full[:7]),
            "full": cls(digits=full),
            "guardian": cls(digits=full[:2], whose="guardian"),
        } | {p: cls(digits=full[:4] if p == "short" else full, problem=p) for p in NUMBER_PROBLEMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterTicket(Screen):
    """The code of a ticket, `length` digits, typed or scanned. `problem`: one of TICKET_PROBLEMS."""

    digits: str = ""
    length: int = 8
    problem: str = ""

    def compose(self, page: Page) -> None:
        left = pad_beside(page, page.say("pad.ok"), ready=len(self.digits) == self.length)
        rest = page.title(page.say("enter_ticket.title"), left)
        slots, rest = rest.take_top(72, gap=12)
        digit_slots(page, slots, self.digits, grouped(self.length), wrap=1)
        if self.problem:
            below(page, rest, f"enter_ticket.{self.problem}", "")
        else:
            scan = Button(page.say("enter_ticket.scan"), "by:qr", "qr")
            button(page, rest.centred(rest.w, 108), scan)
        footer(page, back=True)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {"empty": cls(), "half": cls(digits="4071")} | {
            p: cls(digits="40712586", problem=p) for p in TICKET_PROBLEMS
        }


# --- what number pads share -----------------------------------------------------------------------------


def grouped(length: int) -> tuple[int, ...]:
    """Split a code into groups of at most four: 8 → (4, 4), 6 → (3, 3), 9 → (3, 3, 3)."""
    groups = -(-length // 4)
    return tuple(length // groups + (1 if n < length % groups else 0) for n in range(groups))


def pad_beside(page: Page, ok: str, *, ready: bool) -> Box:
    """Put the keypad on the right; return what is left for title and digits, above the bottom row."""
    pad, left = page.inner.take_right(PAD_WIDE, gap=16)
    keypad(page, Box(pad.x, pad.y - 4, pad.w + 4, pad.h + 6), ok, ready=ready)
    return left.take_bottom(113)[1]


def digit_slots(
    page: Page, box: Box, digits: str, groups: Sequence[int], *, wrap: int, hidden: bool = False
) -> None:
    """One slot a digit, in groups, on `wrap` lines; the slot that comes next has the accent's edge."""
    each = len(groups) // wrap
    sizes = [groups[n : n + each] for n in range(0, len(groups), each)]
    first = 0
    for row, line in zip(box.rows(len(sizes), gap=8), sizes, strict=True):
        gap = 14.0
        slot = min(62.0, (row.w - gap * (len(line) - 1)) / sum(line))
        x = row.x
        for group in line:
            for place in range(group):
                cell = Box(x + slot * place, row.y, slot - 5, row.h)
                _slot(
                    page,
                    cell,
                    digits[first + place : first + place + 1],
                    first + place == len(digits),
                    hidden,
                )
            first += group
            x += slot * group + gap


def _slot(page: Page, cell: Box, digit: str, is_next: bool, hidden: bool) -> None:
    colours = page.colours
    page.card(cell, colours.card, colours.accent if is_next else colours.line, 8, 3 if is_next else 2)
    if digit and hidden:
        page.icon(cell.centred(26, 26), "dot", colours.ink)
    elif digit:
        page.text(cell, digit, 46, least=30, weight=Weight.STRONG, align="centre")


def below(page: Page, box: Box, problem: str, note: str) -> None:
    """Under the digits: what is wrong with them, or else what to type."""
    if problem:
        hint(page, box, "warn", page.say(problem), "alert", size=27, lines=3)
    elif note:
        page.text(box, page.say(note), 27, lines=3, colour=page.colours.quiet, valign="top")
