"""When the box is not well, and for those who look after it: OUT_OF_ORDER, TECHNICIAN, STATUS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from ui_fb.geometry import Box
from ui_fb.page import GAP, Page
from ui_fb.screen import Screen
from ui_fb.theme import TITLE, Weight
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
    """Nobody can be served: which `device` (one of DEVICES). `closed`: this box gave its work away."""

    device: str
    closed: bool = False

    def compose(self, page: Page) -> None:
        left, right = page.body.columns((0.62, 0.38), gap=14)
        page.scene(right.inset(0, 16), "broken")
        kind = "closed" if self.closed else "out_of_order"
        rest = page.title(page.say(f"{kind}.title"), left, lines=2)
        lead(page, rest, page.say(f"{kind}.lead"), lines=3)
        device = page.say(f"device.{self.device}")
        officer = Button(page.say("out_of_order.officer"), "officer")
        free = footer(page, help_=False, other=officer)
        if not self.closed:
            page.text(free, device, 28, least=22, lines=2, weight=Weight.STRONG)

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        closed = cls(device="store", closed=True, error="E-502")
        return {device: cls(device=device, error="E-214") for device in DEVICES} | {"closed": closed}


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
        more, acts = free.columns(2, gap=GAP)
        button(page, acts, Button(page.say("technician.acts"), "acts"), size=26)
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


UNKNOWN = "–"
NO_LEASE = "E-564: Quyền cấp thẻ này thuộc máy, token hoặc lần giao việc khác."
INCIDENTS = ("damaged", "refused", "second_copy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Screen):
    """The team's screen. `alarms` names the fields that are beyond their limits.

    `incident` is what somebody must look into, one of INCIDENTS, or empty. `place`: the box, its epoch and
    its unit. `unsent` of its own records, `carried` of boxes whose place it took; `oldest_h`: age of the
    oldest of them. `lease`: how many cards may be issued offline, and until when; `no_lease`: why none, in
    words; `tickets`: visits that wait. Texts as they should be read; what is None is not known (yet).
    """

    place: str = ""
    unsent: int | None = None
    carried: int = 0
    oldest_h: float | None = None
    tickets: int | None = None
    blanks_left: int | None = None
    void_cards: int | None = None
    lease: str = UNKNOWN
    lease_until: str = UNKNOWN
    no_lease: str = ""
    disk_free_gb: float | None = None
    temperature_c: float | None = None
    clock: str = UNKNOWN
    last_contact: str = UNKNOWN
    alarms: tuple[str, ...] = ()
    incident: str = ""

    def compose(self, page: Page) -> None:
        head, rest = page.body.take_top(TITLE * 1.28, gap=6)
        title, place = head.columns((0.55, 0.45), gap=12)
        page.title(page.say("status.title"), title)
        page.text(place, self.place, 25, least=17, lines=2, colour=page.colours.quiet, align="right")
        cells = [box for row in rest.rows(3, gap=8) for box in row.columns(4, gap=8)]
        for cell, (name, icon, value) in zip(cells, self._values(page), strict=False):
            _gauge(page, cell, page.say(f"status.{name}"), icon, value, alarm=name in self.alarms)
        free = footer(
            page, Button(page.say("status.technician"), "technician", "tool"), help_=False, back=True
        )
        page.text(free, self._verdict(page), 30, lines=3 if self.no_lease else 2)

    def _verdict(self, page: Page) -> str:
        """Nothing is said to be well before it is known."""
        if self.incident:
            return page.say(f"status.incident_{self.incident}")
        if self.unsent is None:
            return page.say("lookup.lead")
        return self.no_lease or page.say("status.alarm" if self.alarms else "status.well")

    def _values(self, page: Page) -> list[tuple[str, str, str]]:
        unsent = f"{_count(self.unsent)} + {self.carried}" if self.carried else _count(self.unsent)
        old = "" if self.oldest_h is None else page.say("status.hours", hours=_number(page, self.oldest_h))
        return [
            ("unsent", "up_tray", unsent),
            ("oldest", "clock", old or UNKNOWN),
            ("tickets", "ticket", _count(self.tickets)),
            ("last_contact", "net", self.last_contact),
            ("blanks_left", "card", _count(self.blanks_left)),
            ("void_cards", "bin", _count(self.void_cards)),
            ("lease", "pencil", self.lease),
            ("lease_until", "clock", self.lease_until),
            ("disk", "disk", _number(page, self.disk_free_gb, " GB")),
            ("temperature", "temperature", _number(page, self.temperature_c, " °C")),
            ("clock", "clock", self.clock),
        ]

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        well = cls(
            place="BOX-17 · 3 · CAH-MAU-04", unsent=3, oldest_h=0.4, tickets=2, blanks_left=182, void_cards=1,
            lease="180", lease_until="03/10 18:00", disk_free_gb=18.4, temperature_c=47.5, clock="14:05",
            last_contact="14:02",
        )  # fmt: skip
        ill = cls(
            place="BOX-18 · 1 · CAH-MAU-04", unsent=214, carried=300, oldest_h=61.5, tickets=12,
            blanks_left=4, void_cards=12, lease="0", lease_until="31/12 18:00", disk_free_gb=1.2,
            temperature_c=None, clock="01/01 07:00", last_contact="31/12 18:40",
            alarms=("oldest", "blanks_left", "lease", "disk", "clock", "last_contact"),
        )  # fmt: skip
        incidents = {f"incident_{name}": replace(well, incident=name) for name in INCIDENTS}
        none = replace(well, lease=UNKNOWN, lease_until=UNKNOWN, no_lease=NO_LEASE)
        return {"well": well, "alarms": ill, "unknown": cls(place="BOX-17"), "no_lease": none, **incidents}


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else str(value)


def _number(page: Page, value: float | None, unit: str = "") -> str:
    """One decimal, with the language's decimal sign, and its unit."""
    return UNKNOWN if value is None else f"{value:.1f}{unit}".replace(".", page.say("status.decimal"))


def _gauge(page: Page, box: Box, label: str, icon: str, value: str, *, alarm: bool) -> None:
    colours = page.colours
    fill, edge = (colours.alert_soft, colours.alert) if alarm else (colours.card, colours.line)
    page.card(box, fill, edge)
    top, number = box.inset(12, 5).rows((1, 1.35), gap=2)
    mark, words = top.take_left(23, gap=7)
    page.icon(mark.centred(23, 23), "warn" if alarm else icon, colours.alert if alarm else colours.accent)
    page.text(words, label, 20, least=16, colour=colours.quiet)
    page.text(
        number, value, 33, least=20, weight=Weight.STRONG, colour=colours.alert if alarm else colours.ink
    )
