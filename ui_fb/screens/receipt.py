"""What a person takes home: RECEIPT after a card, PAUSED with a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, footer, hint

DONE = ("card_live", "card_due", "data_saved", "eid_requested", "corrections_sent")
REASONS = ("device", "finger", "signer", "officer", "person", "rules", "clock", "lease")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Screen):
    """The short `code`, the same as a QR code of `qr`, and what was `done` (keys of DONE).

    `card_due`: the day by which a card that is made elsewhere is ready.
    """

    code: str
    qr: str
    done: tuple[str, ...] = ("card_live", "data_saved")
    card_due: str = ""

    def compose(self, page: Page) -> None:
        title = page.say("receipt.title" if "card_live" in self.done else "receipt.title_enrolled")
        rest = _with_code(page, title, page.say("receipt.code"), self.code, self.qr)
        lines = rest.take_top(min(rest.h, 38.0 * len(self.done)))[0].rows(len(self.done))
        for box, key in zip(lines, self.done, strict=True):
            mark, words = box.take_left(30, gap=12)
            page.icon(mark.centred(28, 28), "check", page.colours.good)
            page.text(words, page.say(f"receipt.{key}", date=self.card_due), 28, least=22)
        footer(page, Button(page.say("receipt.ok"), "ok", "next"))

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        qr = "https://example.invalid/r/4071-2586-01"
        return {
            "card": cls(code="4071-2586", qr=qr),
            "with_eid": cls(code="4071-2586", qr=qr, done=("card_live", "data_saved", "eid_requested")),
            "enrolled": cls(
                code="4071-2586",
                qr=qr,
                done=("card_due", "data_saved", "corrections_sent"),
                card_due="30/09/2025",
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Screen):
    """A ticket: the `ticket` code, its QR code, until when it is good, and why (one of REASONS)."""

    ticket: str
    qr: str
    valid_until: str
    reason: str = "person"

    def compose(self, page: Page) -> None:
        rest = _with_code(page, page.say("paused.title"), page.say("paused.code"), self.ticket, self.qr)
        until, why = rest.rows((1, 1.3), gap=0)
        page.text(until, page.say("paused.until", date=self.valid_until), 30, weight=Weight.STRONG)
        page.text(
            why,
            page.say(f"paused.{self.reason}"),
            27,
            least=22,
            lines=2,
            colour=page.colours.quiet,
            valign="top",
        )
        free = footer(page, Button(page.say("paused.ok"), "ok", "next"))
        hint(page, free, "ticket", page.say("paused.come_back"), size=28)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        qr = "idkiosk:ticket:40712586"
        return {
            reason: cls(ticket="4071 2586", qr=qr, valid_until="30/09/2025", reason=reason)
            for reason in REASONS
        }


def _with_code(page: Page, title: str, label: str, code: str, qr: str) -> Box:
    """Title, a large code, its QR code on the right; return what is left under the code."""
    left, right = page.body.take_right(page.body.h * 0.82, gap=20)[::-1]
    side = right.w
    page.qr(Box(right.x, right.y + (page.body.h - side) / 2, side, side), qr)
    rest = page.title(title, left)
    card, rest = rest.take_top(108, gap=8)
    page.card(card, page.colours.card, page.colours.line)
    small, large = card.inset(20, 6).rows((1, 2.4))
    page.text(small, label, 23, least=19, colour=page.colours.quiet)
    page.text(large, code, 56, least=40, weight=Weight.HEAVY, private=True)
    return rest
