"""The measured kiosk: `python -m benchmarks.visit '{"address": …, "site": …, …}'`, started by `kiosk.py`.

The program of `kiosk run` over a plain file for its panel and over devices whose world is elsewhere. In this
process there are besides: the proxies of those devices, a citizen without pauses, and the stop-watch. It
prints one JSON object when the last citizen has gone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.panel_file import panel_file
from benchmarks.remote import RemoteCamera, RemoteSensor, World
from config.load import load
from drivers.fingerprint import open_sensor
from drivers.virtual.panel import VirtualPanel
from firmware import cli  # noqa: F401  the command that a box runs is in its memory too
from firmware.app.devices import real_openers
from firmware.app.kiosk import Kiosk, Tap
from firmware.loop import Loop
from firmware.run import kiosk_of
from statemachine.states import S
from ui_fb import screens as ui
from ui_fb.display import Display, Pixels
from ui_fb.geometry import Rect, Size
from ui_fb.screen import Screen

QUIET_S = 10.0
"""A hall is empty for a while before somebody comes: the kiosk has drawn its screens by then."""
DREAM_S = 4.0
"""How long who looks aside does so: the live picture moves meanwhile."""
GIVEN_UP_S = 120.0
ASKS = ("page", "digits", "stage", "attempt", "finger", "now", "lift", "code")


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: these citizens, by number, on a panel of so many bits; the first looks aside at first."""

    address: str
    site: str
    panel: str
    bits: int
    citizens: tuple[int, ...]
    first_dreams: bool


@dataclass(slots=True)
class Lap:
    """One state of one visit: how long it took, and how much of that was the world's."""

    citizen: int
    state: str
    wall_s: float
    world_s: float


@dataclass(slots=True)
class Watch:
    """What is measured."""

    laps: list[Lap] = field(default_factory=list)
    changes_ms: list[float] = field(default_factory=list)
    previews: list[tuple[float, float]] = field(default_factory=list)
    """(when, the world's time so far) of each live picture of who looks aside."""


class WatchedDisplay:
    """A `Display` that says when something was put on it."""

    def __init__(self, inner: Display) -> None:
        self._inner = inner
        self.shown = self.blitted = 0

    @property
    def size(self) -> Size:
        return self._inner.size

    def show(self, image: Image.Image) -> None:
        self._inner.show(image)
        self.shown += 1

    def blit(self, rect: Rect, pixels: Pixels) -> None:
        self._inner.blit(rect, pixels)
        self.blitted += 1

    def close(self) -> None:
        self._inner.close()


class QuickCitizen:
    """Touches the middle of what a screen asks for as soon as it is there, and moves the world."""

    def __init__(self, number: int, world: World, kiosk: Kiosk, dreams: bool) -> None:
        self._number, self._world, self._kiosk = number, world, kiosk
        self.dreams = dreams
        self._seen: Any = None
        self._touches = 0
        self.gone = False

    def sees(self, screen: Screen, entry: int) -> None:
        asked = (entry, type(screen), *(getattr(screen, name, None) for name in ASKS))
        if asked != self._seen and not self.gone:
            self._seen = asked
            self._answer(screen)

    @singledispatchmethod
    def _answer(self, screen: Screen) -> None:
        """Other screens ask for nothing."""

    @_answer.register(ui.Attract)
    def _(self, screen: Screen) -> None:
        self._tap(screen, "start")

    @_answer.register(ui.Language)
    def _(self, screen: Screen) -> None:
        self._tap(screen, "language:vi")

    @_answer.register(ui.Identify)
    def _(self, screen: Screen) -> None:
        self._tap(screen, "by:qr")

    @_answer.register(ui.ScanQr)
    def _(self, _: Screen) -> None:
        self._world.ask("qr", self._number)

    @_answer.register(ui.LookUp)
    def _(self, _: Screen) -> None:
        self._world.ask("no_qr")

    @_answer.register(ui.Prove)
    def _(self, screen: ui.Prove) -> None:
        self._give(screen.finger)

    @_answer.register(ui.Fingers)
    def _(self, screen: ui.Fingers) -> None:
        self._give(screen.now)

    @_answer.register(ui.Review)
    @_answer.register(ui.Confirm)
    def _(self, screen: Screen) -> None:
        self._tap(screen, "ok")

    @_answer.register(ui.Consent)
    def _(self, screen: Screen) -> None:
        self._tap(screen, "consent:yes")

    @_answer.register(ui.EidRequest)
    def _(self, screen: Screen) -> None:
        self._tap(screen, "eid:yes")

    @_answer.register(ui.Portrait)
    def _(self, _: Screen) -> None:
        if not self.dreams:
            self._world.ask("sit", self._number)
            return
        self._world.ask("sit_aside", self._number)
        self._kiosk.loop.after(DREAM_S, self._wakes)

    def _wakes(self) -> None:
        self.dreams = False
        self._world.ask("sit", self._number)

    @_answer.register(ui.PlaceCard)
    @_answer.register(ui.HoldStill)
    def _(self, _: Screen) -> None:
        self._world.ask("leave")
        self._world.ask("card")

    @_answer.register(ui.Receipt)
    def _(self, screen: ui.Receipt) -> None:
        if screen.code != "…":
            self._world.ask("no_card")
            self._tap(screen, "ok")

    @_answer.register(ui.Farewell)
    def _(self, screen: Screen) -> None:
        self.gone = True
        self._tap(screen, "done")

    def _give(self, position: str) -> None:
        self._touches += 1
        self._world.ask("touch", self._number, position, self._touches)

    def _tap(self, screen: Screen, action: str) -> None:
        rect = next(each.rect for each in screen.targets(self._kiosk.face.size) if each.action == action)
        self._kiosk.loop.post(Tap(rect.x + rect.w / 2, rect.y + rect.h / 2))


class Measured:
    """Runs the ordered citizens through one kiosk and keeps the times."""

    def __init__(self, order: Order) -> None:
        self._order, self._world = order, World(order.address)
        self._loop = Loop()
        self._display = WatchedDisplay(panel_file(Path(order.panel), order.bits))
        panel = VirtualPanel()
        self._camera = RemoteCamera(self._world, panel.light)
        config = load(Path(order.site))
        openers = replace(
            real_openers(config),
            finger=lambda: open_sensor(backend=RemoteSensor(self._world)),
            camera=lambda: self._camera,
            panel=lambda: panel,
        )
        self._kiosk = kiosk_of(config, openers, self._display, self._loop)
        self._waiting = list(order.citizens)
        self._inside: QuickCitizen | None = None
        self._last = (0.0, 0.0)
        self._state, self._number = S.ATTRACT, -1
        self.watch = Watch()

    def run(self) -> Watch:
        """Raises TimeoutError when a visit does not end."""
        self._kiosk.start()
        try:
            self._loop.after(QUIET_S, self._next_comes)
            self._loop.run(self._handle)
        finally:
            self._kiosk.close()
        return self.watch

    def _handle(self, message: Any) -> None:
        shown, blitted, began = self._display.shown, self._display.blitted, time.perf_counter()
        self._kiosk.handle(message)
        ended = time.perf_counter()
        if self._inside is None:
            return
        if self._display.shown != shown:
            self.watch.changes_ms.append((ended - began) * 1e3)
        if self._display.blitted != blitted and self._state is S.PORTRAIT and self._inside.dreams:
            self.watch.previews.append((ended, self._world.spent_s))
        self._after()

    def _after(self) -> None:
        """Take the lap when the flow has moved, and let the citizen look."""
        kiosk, citizen = self._kiosk, self._inside
        assert citizen is not None
        if kiosk.flow.state is not self._state:
            self._lap()
            self._state = kiosk.flow.state
        if citizen.gone and kiosk.flow.state is S.ATTRACT:
            self._inside = None
            self._loop.after(QUIET_S if self._waiting else 1.0, self._next_comes)
        elif kiosk.face.last is not None:
            citizen.sees(kiosk.face.last, kiosk.flow.entry)

    def _next_comes(self) -> None:
        if not self._waiting:
            self._loop.end()
            return
        number = self._waiting.pop(0)
        first = len(self.watch.laps) == 0
        self._inside = QuickCitizen(number, self._world, self._kiosk, first and self._order.first_dreams)
        self._last = self._clocks()
        self._number = number
        self._loop.after(GIVEN_UP_S, lambda: self._give_up(number))
        self._after()

    def _give_up(self, number: int) -> None:
        if self._inside is not None and self._number == number:
            session = self._kiosk.flow.session
            raise TimeoutError(
                f"citizen {number} is still in {self._state} ({session.reason or 'no reason'})"
            )

    def _lap(self) -> None:
        now, before = self._clocks(), self._last
        self._last = now
        self.watch.laps.append(Lap(self._number, str(self._state), now[0] - before[0], now[1] - before[1]))

    def _clocks(self) -> tuple[float, float]:
        """(wall's, world's): sensor and camera as waited for here, card and hands as counted there."""
        return time.perf_counter(), self._world.spent_s + sum(self._world.ask("spent"))


def main(order: Mapping[str, Any]) -> None:
    watch = Measured(Order(**{**order, "citizens": tuple(order["citizens"])})).run()
    print(json.dumps(asdict(watch)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
