"""When the box is not well, and for those who look after it: OUT_OF_ORDER, TECHNICIAN, STATUS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import Weight
from ui_fb.widgets import Button, button, footer, lead

DEVICES = ("fingerprint", "chip", "camera", "panel", "store", "display", "touch", "clock")
VERDICTS = {"pass": ("check", "good"), "fail": ("cross", "alert"), "skip": ("info", "quiet")}
CHECKS_A_PAGE = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the doctor: a measured `value` against its `limit`; `verdict` is pass, fail or skip.

    A `name` that the words do not know is shown as it is.
    """

    name: str
    value: str
    limit: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOrder(Screen):
    """Nobody can be served: which `device` (one of DEVICES), and the `code` that a technician asks for."""

    device: str
    code: str

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.62, 0.38), gap=14)
        page.scene(right.inset(0, 16), "broken")
        rest = page.title(page.say("out_of_order.title"), left, lines=2)
        lead(page, rest, page.say("out_of_order.lead"), lines=3)
        device = page.say(f"device.{self.device}")
        code = page.say("out_of_order.code", device=device, code=self.code)
        officer = Button(page.say("out_of_order.officer"), "officer")
        free = footer(page, help_=False, other=officer)
        page.text(free, code, 28, least=22, lines=2, weight=Weight.STRONG)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {device: cls(device=device, code=f"{device[:2].upper()}-17") for device in DEVICES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Technician(Screen):
    """The doctor's rows, at most CHECKS_A_PAGE of them, and which page of how many."""

    rows: tuple[Check, ...]
    page: int = 1
    pages: int = 1

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("technician.title"))
        for number, area in enumerate(rest.rows(CHECKS_A_PAGE)):
            if number < len(self.rows):
                _check(page, area, self.rows[number], first=number == 0)
        free = footer(page, Button(page.say("technician.retest"), "retest", "tool"), help_=False, back=True)
        more, status = free.columns(2, gap=GAP)
        button(page, status, Button(page.say("technician.status"), "status"), size=26)
        if self.pages > 1:
            label = page.say("technician.page", page=self.page, pages=self.pages)
            button(page, more, Button(label, "next"), size=26)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        devices = (
            Check("finger", "ok", "ok", "pass"),
            Check("camera", "-", "ok", "fail"),
            Check("chip", "ok", "ok", "pass"),
            Check("badge", "not configured", "opens", "skip"),
            Check("panel", "ok", "ok", "pass"),
        )
        machine = (
            Check("disk", "18412 MB", "≥ 4096 MB", "pass"),
            Check("temperature", "no sensor", "≤ 80 °C", "skip"),
            Check("clock", "2025-09-30 07:05 UTC", "plausible", "pass"),
            Check("nfiq2", "NFIQ 2.3", "present", "pass"),
            Check("face models", "loaded", "present", "pass"),
        )
        others = (Check("store", "ok", "ok", "pass"), Check("registry", "ok", "ok", "pass"))
        return {
            "page_one": cls(rows=devices, pages=3),
            "page_two": cls(rows=machine, page=2, pages=3),
            "single": cls(rows=others),
        }


def _check(page: Page, box: Box, row: Check, *, first: bool) -> None:
    if not first:
        page.fill(Box(box.x, box.y - 0.75, box.w, 1.5), page.colours.line)
    sign, words = box.take_left(36, gap=12)
    icon, colour = VERDICTS[row.verdict]
    page.icon(sign.centred(28, 28), icon, getattr(page.colours, colour))
    name, value, limit = words.columns((0.42, 0.36, 0.22), gap=10)
    known = f"check.{row.name}"
    page.text(name, page.say(known) if page.words.knows(known) else row.name, 26, least=18)
    page.text(value, row.value, 26, least=16, lines=2, weight=Weight.STRONG)
    page.text(limit, row.limit, 24, least=18, colour=page.colours.quiet, align="right")


INCIDENTS = ("damaged", "refused", "second_copy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Screen):
    """The team's screen. `alarms` names the fields that are beyond their limits.

    `incident` is what somebody must look into, one of INCIDENTS, or empty.
    `oldest_h`: age of the oldest unsent record; `clock` and `last_contact` as they should be read.
    """

    unsent: int
    oldest_h: float
    blanks_left: int
    void_cards: int
    disk_free_gb: float
    temperature_c: float | None
    clock: str
    last_contact: str
    alarms: tuple[str, ...] = ()
    incident: str = ""

    def compose(self, page: Page) -> None:
        rest = page.title(page.say("status.title"))
        cells = [box for row in rest.rows(2, gap=GAP) for box in row.columns(4, gap=GAP)]
        for cell, (name, icon, value) in zip(cells, self._values(page), strict=True):
            _gauge(page, cell, page.say(f"status.{name}"), icon, value, alarm=name in self.alarms)
        free = footer(
            page, Button(page.say("status.technician"), "technician", "tool"), help_=False, back=True
        )
        verdict = f"incident_{self.incident}" if self.incident else "alarm" if self.alarms else "well"
        page.text(free, page.say(f"status.{verdict}"), 30, lines=2)

    def _values(self, page: Page) -> list[tuple[str, str, str]]:
        warm = self.temperature_c
        return [
            ("unsent", "up_tray", str(self.unsent)),
            ("oldest", "clock", page.say("status.hours", hours=_number(page, self.oldest_h))),
            ("blanks_left", "card", str(self.blanks_left)),
            ("void_cards", "bin", str(self.void_cards)),
            ("disk", "disk", f"{_number(page, self.disk_free_gb)} GB"),
            ("temperature", "temperature", "–" if warm is None else f"{_number(page, warm)} °C"),
            ("clock", "clock", self.clock),
            ("last_contact", "net", self.last_contact),
        ]

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        well = cls(
            unsent=3, oldest_h=0.4, blanks_left=182, void_cards=1, disk_free_gb=18.4, temperature_c=47.5,
            clock="14:05", last_contact="14:02",
        )  # fmt: skip
        ill = cls(
            unsent=214, oldest_h=61.5, blanks_left=4, void_cards=12, disk_free_gb=1.2, temperature_c=None,
            clock="01/01 07:00", last_contact="31/12 18:40",
            alarms=("oldest", "blanks_left", "disk", "clock", "last_contact"),
        )  # fmt: skip
        incidents = {f"incident_{name}": replace(well, incident=name) for name in INCIDENTS}
        return {"well": well, "alarms": ill, **incidents}


def _number(page: Page, value: float) -> str:
    """One decimal, with the language's decimal sign."""
    return f"{value:.1f}".replace(".", page.say("status.decimal"))


def _gauge(page: Page, box: Box, label: str, icon: str, value: str, *, alarm: bool) -> None:
    colours = page.colours
    fill, edge = (colours.alert_soft, colours.alert) if alarm else (colours.card, colours.line)
    page.card(box, fill, edge)
    top, number = box.inset(14, 6).rows((1.15, 1.3))
    mark, words = top.take_left(26, gap=8)
    page.icon(mark.centred(25, 25), "warn" if alarm else icon, colours.alert if alarm else colours.accent)
    page.text(words, label, 21, least=16, lines=2, colour=colours.quiet)
    page.text(
        number, value, 40, least=22, weight=Weight.STRONG, colour=colours.alert if alarm else colours.ink
    )
