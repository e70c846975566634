"""One unit box of a drill: its folder, its kiosk in a process of its own, and the console beside it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from firmware.box import status
from firmware.box.identity import Identity
from firmware.sim.disk import opened
from firmware.sim.killable import Orders
from firmware.sim.kiosk_process import Died, KioskProcess
from firmware.sim.office import DemoFailed
from firmware.sim.ordeal import Guest
from firmware.sim.show import Show
from statemachine.states import S

PATIENCE_S = 240.0
LOOK_S = 0.3
PAUSE_S = 0.05
Line = dict[str, Any]


class UnitBox:
    """`folder` is what its SD card holds; the board around it can break.

    `url` is where its centre is when it starts. Its clock runs `ahead_s` before the machine's.
    """

    def __init__(self, name: str, folder: Path, show: Show, url: Callable[[], str]) -> None:
        self.name, self.folder = name, folder
        self._show, self._url = show, url
        self._kiosk: KioskProcess | None = None
        self._orders = Orders(str(folder), "", pause_s=PAUSE_S)
        self.ahead_s = 0.0

    @property
    def identity(self) -> Identity:
        return Identity(self.folder / "identity")

    # --- at the screen -----------------------------------------------------------------------------

    def start(self, key: Path | None = None, blanks: int = 0) -> None:
        """Switch it on. `key`: folder of the document signer's key that is plugged in; None: the centre's."""
        signer = str(key) if key else ""
        self._orders = replace(
            self._orders, url=self._url(), ahead_s=self.ahead_s, signer=signer, blanks=blanks
        )
        self._kiosk = KioskProcess(self._orders, self._log)

    def serve(self, guest: Guest, until: Callable[[Line], bool]) -> bool:
        """Lead the guest on until `until` holds for a line; False when they went home before that."""
        assert self._kiosk is not None  # noqa: S101  it runs
        self._kiosk.order(visit=asdict(guest.visitor))
        for line in self._lines():
            guest.record = line.get("record") or guest.record
            guest.ticket = line.get("ticket") or guest.ticket
            if "state" in line:
                self._say(f"{line['state']:<12}" + _left(line))
            if until(line):
                return True
            if "home" in line:
                return False
        raise DemoFailed(f"{self.name} fell silent: see {self._log}")

    def walks_away(self, guest: Guest, patience_s: float = 65.0) -> None:
        """The guest leaves without a word; the box asks, waits, and keeps what there is under a ticket."""
        assert self._kiosk is not None  # noqa: S101  it runs
        self._kiosk.order(leaves=True)
        while not self._pass(patience_s, guest, S.PAUSED):
            continue
        for line in () if guest.ticket else self._lines():  # the clock stands until it is made
            guest.ticket = line.get("ticket") or guest.ticket
            if guest.ticket:
                break
        while not self._pass(patience_s, guest, S.ATTRACT):
            continue

    def await_(self, there: Callable[[], bool], what: str) -> None:
        """Let it run until `there` holds, which is looked at from outside."""
        assert self._kiosk is not None  # noqa: S101  it runs
        until_s = time.monotonic() + PATIENCE_S
        while not there():
            if time.monotonic() > until_s:
                raise DemoFailed(f"{self.name}: {what} did not come: see {self._log}")
            self._next(LOOK_S)

    def breaks(self) -> None:
        """The board dies, whatever it is doing: SIGKILL, with all that it started."""
        assert self._kiosk is not None  # noqa: S101  it runs
        self._kiosk.kill()
        with suppress(DemoFailed):
            while True:
                self._next(PATIENCE_S)

    def end(self) -> None:
        """Switch it off in good order."""
        if self._kiosk is not None:
            self._kiosk.end()
            self._kiosk = None

    def abandon(self) -> None:
        """Whatever stopped the drill leaves no kiosk behind."""
        if self._kiosk is not None:
            with suppress(DemoFailed):
                self.breaks()

    def _pass(self, seconds: float, guest: Guest, goal: S) -> bool:
        """Move its clock on; whether it came to `goal` meanwhile."""
        assert self._kiosk is not None  # noqa: S101  it runs
        self._kiosk.order(pass_s=seconds)
        self.ahead_s += seconds
        there = False
        for line in self._lines():
            guest.ticket = line.get("ticket") or guest.ticket
            if "state" in line:
                there = line["state"] == goal
                self._say(line["state"])
            if "passed" in line:
                break
        return there

    def _lines(self) -> Iterator[Line]:
        while (line := self._next(PATIENCE_S)) is not None:
            yield line
        raise DemoFailed(f"{self.name} says nothing any more: see {self._log}")

    def _next(self, patience_s: float) -> Line | None:
        """Raises DemoFailed once the kiosk is gone."""
        assert self._kiosk is not None  # noqa: S101  it runs
        try:
            return self._kiosk.next(patience_s)
        except Died as died:
            self._kiosk = None
            raise DemoFailed(f"{self.name} ended with {died.code}: see {self._log}") from died

    # --- at the console ------------------------------------------------------------------------------

    def console(self, *words: str, secret: str = "") -> str:
        """`kiosk WORDS` over this box's folder, as a technician types it. Raises DemoFailed."""
        shown = " ".join(words).replace(secret, "············") if secret else " ".join(words)
        self._show.say(f"[dim]{self.name} $[/] kiosk {shown}")
        command = [sys.executable, "-m", "firmware", *words, "--data", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            self._show.say(f"    [dim]{line}[/]")
        if done.returncode:
            raise DemoFailed(f"kiosk {shown}: {done.stderr.strip()}")
        return done.stdout

    def status(self) -> status.BoxStatus:
        with opened(self.folder) as shelf:
            return status.read(shelf, self.identity)

    @property
    def _log(self) -> Path:
        return self.folder.parent / f"{self.name}.log"

    def _say(self, text: str) -> None:
        self._show.say(f"[cyan]{self.name}[/]  {text}")


@contextmanager
def left_behind_none(*boxes: UnitBox) -> Iterator[None]:
    """No kiosk outlives the block."""
    try:
        yield
    finally:
        for box in boxes:
            box.abandon()


def _left(line: Line) -> str:
    return f"({line['left']} fingers left)" if line["state"] == S.FINGERS else ""
