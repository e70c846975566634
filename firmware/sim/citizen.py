"""A virtual citizen: looks at the screen, touches it, and moves the world as a person would.

Lives on the loop's thread; every movement comes after a human pause, and what a screen asks twice is done
twice. A citizen sees screens, never states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatchmethod
from typing import Any

import numpy as np

from drivers.virtual.card.card import VirtualCard
from drivers.virtual.skin import Finger, impression
from firmware.loop import Loop
from firmware.sim.people import Citizen
from firmware.sim.station import VirtualStation
from ui_fb import screens as ui
from ui_fb.screen import Screen

TRIES = 3
Touch = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Habits:
    """`pause_s` before a touch or a movement; skin as in `drivers.virtual.skin` (0..1).

    Dry hands are moistened between two tries, `moistened` at a time; wear stays.
    """

    language: str = "vi"
    way: str = "qr"
    pause_s: float = 0.05
    dry: float = 0.05
    worn: float = 0.0
    moistened: float = 0.35
    comes_back: bool = False
    """Goes home with a ticket, to come again; else stands there and waits."""


class VirtualCitizen:
    """Acts once on each thing that a screen asks of it."""

    def __init__(
        self, person: Citizen, habits: Habits, station: VirtualStation, loop: Loop, touch: Touch
    ) -> None:
        self.person, self.habits = person, habits
        self._station, self._loop, self._touch = station, loop, touch
        self._seen: Any = None
        self._impressions = 0
        self.card: VirtualCard = station.blank()
        self.ticket = ""
        self.gone = False

    def sees(self, screen: Screen, entry: int) -> None:
        """Look at a screen; called for each change of the picture."""
        asked = (entry, _question(screen))
        if asked == self._seen or self.gone:
            return
        self._seen = asked
        self._answer(screen)

    # --- screens -----------------------------------------------------------------------------------

    @singledispatchmethod
    def _answer(self, screen: Screen) -> None:
        """Other screens ask for nothing: wait."""

    @_answer.register
    def _(self, _screen: ui.Attract) -> None:
        self._press("start")

    @_answer.register
    def _(self, _screen: ui.Language) -> None:
        self._press(f"language:{self.habits.language}")

    @_answer.register
    def _(self, _screen: ui.Identify) -> None:
        self._press(f"by:{self.habits.way}")

    @_answer.register
    def _(self, _screen: ui.ScanQr) -> None:
        self._later(lambda: self._station.camera.show_picture(qr_picture(self.person.qr())))

    @_answer.register
    def _(self, screen: ui.EnterNumber) -> None:
        digits = self.person.number
        self._press("ok" if screen.digits == digits else f"digit:{digits[len(screen.digits)]}")

    @_answer.register
    def _(self, screen: ui.EnterTicket) -> None:
        digits = "".join(filter(str.isdigit, self.ticket))
        typed = len(screen.digits)
        self._press("ok" if typed == len(digits) else f"digit:{digits[typed]}")

    @_answer.register
    def _(self, _screen: ui.LookUp) -> None:
        self._station.camera.show_picture(None)

    @_answer.register
    def _(self, screen: ui.Prove) -> None:
        self._finger(screen.finger, screen.lift, TRIES - screen.attempts_left)

    @_answer.register
    def _(self, _screen: ui.Review) -> None:
        self._press("ok")

    @_answer.register
    def _(self, _screen: ui.Consent) -> None:
        self._press("consent:yes")

    @_answer.register
    def _(self, _screen: ui.EidRequest) -> None:
        self._press("eid:yes")

    @_answer.register
    def _(self, screen: ui.Fingers) -> None:
        self._finger(screen.now, screen.lift, screen.attempt - 1)

    @_answer.register
    def _(self, _screen: ui.Portrait) -> None:
        self._station.sensor.lift()
        self._station.camera.sitter.sit(self.person.seed)

    @_answer.register
    def _(self, _screen: ui.Confirm) -> None:
        self._station.camera.sitter.leave()
        self._press("ok")

    @_answer.register
    def _(self, _screen: ui.PlaceCard) -> None:
        self._later(lambda: self._station.chip.put(self.card))

    @_answer.register
    def _(self, _screen: ui.HoldStill) -> None:
        self._later(lambda: self._station.chip.put(self.card))

    @_answer.register
    def _(self, screen: ui.Receipt) -> None:
        if screen.code != "…":
            self._station.chip.lift()
            self._press("ok")

    @_answer.register
    def _(self, _screen: ui.Farewell) -> None:
        self.gone = True
        self._later(lambda: self._touch("done"))

    @_answer.register
    def _(self, screen: ui.Paused) -> None:
        if self.habits.comes_back and screen.ticket != "…":
            self._station.chip.lift()
            self.ticket, self.gone = screen.ticket, True
            self._press("ok")

    @_answer.register
    def _(self, _screen: ui.StillThere) -> None:
        self._press("here")

    # --- hands -------------------------------------------------------------------------------------

    def _finger(self, position: str, lift: bool, tries: int) -> None:
        """Lift what lies there, then put the asked finger down: moistened when it was tried before."""
        self._station.sensor.lift()
        self._impressions += 1
        touch = self._impressions
        if lift:
            self._seen = None
            return
        finger = Finger(self.person.seed, position)
        habits = self.habits
        dry = max(0.05, habits.dry - habits.moistened * tries)

        def place() -> None:
            """Unless something else was asked meanwhile: a hand that is on its way turns back."""
            if touch == self._impressions:
                self._station.sensor.place(impression(finger, touch, dry=dry, worn=habits.worn))

        self._loop.after(habits.pause_s + 0.35, place)

    def _press(self, action: str) -> None:
        self._later(lambda: self._touch(action))

    def _later(self, act: Callable[[], None]) -> None:
        self._loop.after(self.habits.pause_s, act)


def _question(screen: Screen) -> Any:
    """What of a screen asks for something: not the live hint, the score or the bar."""
    calm: dict[str, Any] = {"hint": "", "score": None, "good": 0, "fraction": 0.0, "seconds_left": 0}
    known = {name: value for name, value in calm.items() if hasattr(screen, name)}
    if isinstance(screen, ui.Confirm):
        known.pop("good")
    return replace(screen, **known)


def qr_picture(text: str, module_px: int = 5) -> Any:
    """A QR code held before the camera: RGB (h, w, 3) uint8."""
    import segno

    rows = np.array([list(row) for row in segno.make(text, error="m").matrix_iter(border=4)], np.uint8)
    grey = np.where(rows > 0, 20, 235).astype(np.uint8).repeat(module_px, 0).repeat(module_px, 1)
    return np.repeat(grey[:, :, None], 3, axis=2)
