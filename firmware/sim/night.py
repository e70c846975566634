"""A portrait at night: a street lamp's light, and a citizen who has to be told everything.

`NightWatch` looks at every picture of the kiosk as a watcher of the demo does: it says each change of hint,
lamps and exposure, and moves the sitter when the screen has said what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from firmware.app.kiosk import Kiosk
from firmware.sim.station import VirtualStation
from statemachine.states import S

NIGHT_LUX, SODIUM = 6, 0.7
WRONG: tuple[tuple[str, Mapping[str, Any]], ...] = (  # (the hint that it brings, how the citizen sits)
    ("closer", {"distance": 1.6}),
    ("look_straight", {"yaw": 16}),
    ("open_eyes", {"eyes_closed": 1.0}),
    ("close_mouth", {"mouth_open": 1.0}),
)


class NightWatch:
    """Says what the portrait does, and sits wrong in one way after the other until each was told."""

    def __init__(self, station: VirtualStation, say: Callable[[str], None]) -> None:
        self._station, self._say = station, say
        self._left = list(WRONG)
        self._sat: str | None = None
        self._said: tuple[object, ...] = ()

    def fall(self) -> None:
        """Let night fall: a dim room, its light a street lamp's."""
        self._station.camera.lux(NIGHT_LUX)
        self._station.camera.sodium(SODIUM)

    def sees(self, kiosk: Kiosk) -> None:
        """Look at the kiosk's newest picture; on the loop's thread."""
        if kiosk.flow.state is not S.PORTRAIT:
            self._left, self._sat = list(WRONG), None
            return
        hint = kiosk.form.hint
        self._tell(hint, kiosk.form.good)
        self._move(hint)

    def _move(self, hint: str) -> None:
        sitter = self._station.camera.sitter
        if not sitter.seats:
            return
        if self._left and hint == self._left[0][0] == self._sat:
            self._left.pop(0)
        if self._left and self._sat != self._left[0][0]:
            self._sat, how = self._left[0]
            sitter.sit(**how)
        elif not self._left and self._sat:
            self._sat = None
            sitter.sit()

    def _tell(self, hint: str, good: int) -> None:
        left, right = (round(lamp * 3) for lamp in self._station.panel.light())
        told = self._station.camera.told
        gain, exposure_ms = round(told.gain or 0), round((told.exposure_us or 0) / 1000)
        now = (hint, left, right, gain, exposure_ms)
        if now != self._said:
            self._said = now
            said = hint or ("good" if good else "…")
            light = f"lamps {left}/3 {right}/3 · {exposure_ms} ms · gain {gain}"
            self._say(f"             [dim]portrait · {said:<13} · {light}[/]")
