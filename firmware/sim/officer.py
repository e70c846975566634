"""The virtual officer: comes when a citizen is helped, signs in, does what the step needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any

from drivers.virtual.card.card import OfficerCard
from firmware.box.officers import Officer, hashed
from firmware.loop import Loop
from firmware.sim.station import VirtualStation
from statemachine.session import FINGERS
from ui_fb import screens as ui
from ui_fb.screen import Screen

PINS = {"NV-0001": "135790", "NV-0002": "246802", "KT-0001": "112233"}
"""Badges of the virtual station's made-up staff and their PINs: a virtual station only."""
BADGE = "NV-0001"
HELPFUL = ("attest", "guardian", "correct", "except", "approve", "pause")


def staff() -> list[Officer]:
    """Two officers and a technician of a virtual station."""
    roles = {"NV": "officer", "KT": "technician"}
    return [
        Officer(badge, badge, f"Cán bộ ảo {badge}", roles[badge[:2]], hashed(pin))
        for badge, pin in PINS.items()
    ]


class VirtualOfficer:
    """Acts once on each screen that is meant for staff."""

    def __init__(
        self, pause_s: float, station: VirtualStation, loop: Loop, touch: Callable[[str], None]
    ) -> None:
        self._pause_s, self._station, self._loop, self._touch = pause_s, station, loop, touch
        self._seen: Any = None

    def sees(self, screen: Screen, entry: int) -> None:
        """Look at a screen; called for each change of the picture."""
        if (entry, screen) != self._seen:
            self._seen = (entry, screen)
            self._answer(screen)

    @singledispatchmethod
    def _answer(self, screen: Screen) -> None:
        """Screens of the citizen are none of an officer's business."""

    @_answer.register
    def _(self, _screen: ui.Help) -> None:
        self._press("officer")

    @_answer.register
    def _(self, screen: ui.Officer) -> None:
        if screen.stage == "badge":
            self._later(lambda: self._station.badge.put(OfficerCard(BADGE)))
        else:
            pin = PINS[BADGE]
            self._press("ok" if screen.entered == len(pin) else f"digit:{pin[screen.entered]}")

    @_answer.register
    def _(self, screen: ui.Assisted) -> None:
        self._station.badge.lift()
        self._press(next((f"act:{act}" for act in HELPFUL if act in screen.acts), "act:done"))

    @_answer.register
    def _(self, screen: ui.ChooseFinger) -> None:
        asked = screen.marks.index("now") if "now" in screen.marks else screen.marks.index("todo")
        self._press(f"finger:{FINGERS[asked]}")

    @_answer.register
    def _(self, _screen: ui.ExceptReason) -> None:
        self._press("except:worn")

    def _press(self, action: str) -> None:
        self._later(lambda: self._touch(action))

    def _later(self, act: Callable[[], None]) -> None:
        self._loop.after(self._pause_s, act)
