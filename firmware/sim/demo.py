"""`kiosk demo`: a centre, a virtual station and virtual citizens, on the layers of a real box."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from drivers.virtual.card.card import VirtualCard
from firmware.app.build import build
from firmware.app.devices import Openers
from firmware.app.kiosk import Act, Kiosk
from firmware.loop import Loop
from firmware.sim.citizen import Habits, VirtualCitizen
from firmware.sim.evidence import gather
from firmware.sim.night import NightWatch
from firmware.sim.office import DemoFailed, VirtualOffice, Wishes, habits_of, stock_up
from firmware.sim.officer import VirtualOfficer
from firmware.sim.reckoning import show_ordeal
from firmware.sim.show import Show, report, tables
from statemachine.states import S
from ui_fb.display import MemoryDisplay

PATIENCE_S = 240.0


@dataclass(frozen=True, slots=True)
class Walk:
    """One citizen's way through: the record it made and the card it went home with."""

    record_id: str
    card: VirtualCard


class Walker:
    """Sends every citizen of an office through one kiosk, and waits until their records are delivered.

    `openers` are the station's own unless others are given (real devices on a bench).
    """

    def __init__(
        self,
        office: VirtualOffice,
        habits: Habits,
        watch: Callable[[Kiosk], None],
        openers: Openers | None = None,
    ) -> None:
        self._office, self._habits, self._watch = office, habits, watch
        self._loop = Loop()
        self._waiting = list(office.people)
        self._officer = VirtualOfficer(habits.pause_s, office.station, self._loop, self._touch)
        self._inside: VirtualCitizen | None = None
        self.walks: list[Walk] = []
        display = MemoryDisplay((800, 480))
        self.kiosk = build(
            office.config(), openers or office.station.openers(), display, self._loop, self._look
        )

    def run(self) -> list[Walk]:
        """Raises DemoFailed when somebody does not get home with card and receipt in time."""
        deadline_s = self._loop.clock() + PATIENCE_S * (len(self._waiting) + 1)

        def check() -> None:
            if self._loop.clock() > deadline_s:
                flow = self.kiosk.flow
                raise DemoFailed(f"stuck in {flow.state} ({flow.session.reason or 'no reason given'})")
            if min(self.kiosk.receipts, len(self.walks)) >= len(self._office.people):  # either may be first
                self._loop.end()
            self._loop.after(0.2, check)

        self._loop.after(0.2, check)
        stock_up(self.kiosk)
        self.kiosk.start()
        self._loop.run(self.kiosk.handle)
        return self.walks

    def _look(self, kiosk: Kiosk) -> None:
        self._watch(kiosk)
        if self._inside is not None and self._inside.gone and kiosk.flow.state is S.ATTRACT:
            self._inside = None
        if self._inside is None:
            if not self._waiting or kiosk.flow.state is not S.ATTRACT:
                return
            self._inside = self._next()
        screen = kiosk.face.last
        if screen is not None:
            self._inside.sees(screen, kiosk.flow.entry)
            self._officer.sees(screen, kiosk.flow.entry)
        if kiosk.flow.state is S.FAREWELL and kiosk.visit.record_id is not None:
            self.walks.append(Walk(kiosk.visit.record_id, self._inside.card))

    def _next(self) -> VirtualCitizen:
        person = self._waiting.pop(0)
        return VirtualCitizen(person, self._habits, self._office.station, self._loop, self._touch)

    def _touch(self, action: str) -> None:
        self._loop.post(Act(action))


def demo(wishes: Wishes, console: Console) -> None:
    """Run the demo and print it. Raises DemoFailed or NotShown with the reason when anything is not so."""
    if wishes.power_cuts or wishes.offline_s:
        show_ordeal(wishes, console)
        return
    show = Show(console)
    show.say("centre, keys and virtual station …")
    pictures = wishes.folder / "screens"
    with VirtualOffice(wishes) as office, _gallery(pictures, wishes.night) as drawn:
        how = "private pcscd + vpcd" if wishes.pcsc else "virtual reader in process"
        show.say(f"centre at {office.centre.url} (own process), chip over {how}")
        walker = Walker(office, habits_of(wishes), _watcher(office, show))
        try:
            walks = walker.run()
            evidence = [
                gather(office.box, wishes.folder / "centre", walk.record_id, walk.card)
                for walk in _once(walks)
            ]
        finally:
            show.close()
            walker.kiosk.close()
        for number, one in enumerate(evidence, start=1):
            tables(console, number, one)
        counts = office.centre.counts()
        show.say("pictures of all screens …")
        show.say(f"{drawn()} pictures: {pictures}/*.png, open {pictures / 'index.html'}")
        report(wishes.folder / "report.json", evidence)
    show.say(f"centre holds: {counts['records']}, cards granted: {counts['grants']}")
    if len(evidence) != wishes.citizens or sum(counts["records"].values()) != wishes.citizens:
        raise DemoFailed(f"{wishes.citizens} citizens came, {len(evidence)} records are proven: {counts}")
    show.say(f"[bold]{wishes.citizens} citizen(s), {len(evidence)} card(s), {len(evidence)} receipt(s)[/]")


def _watcher(office: VirtualOffice, show: Show) -> Callable[[Kiosk], None]:
    """What looks at each picture: the show, and at night what moves the sitter and says the light."""
    if not office.wishes.night:
        return show.watch
    night = NightWatch(office.station, show.say)
    night.fall()

    def watch(kiosk: Kiosk) -> None:
        show.watch(kiosk)
        night.sees(kiosk)

    return watch


def _once(walks: list[Walk]) -> list[Walk]:
    return list({walk.record_id: walk for walk in walks}.values())


@contextmanager
def _gallery(folder: Path, sitters: bool) -> Iterator[Callable[[], int]]:
    """Draw every screen into `folder` in a process of low priority; the value waits and counts them.

    With `sitters` each hint of the portrait is shown with who causes it, which takes longer.
    """
    module = "firmware.sim.gallery" if sitters else "ui_fb.gallery"
    command = [sys.executable, "-m", module, str(folder)]
    with subprocess.Popen(
        ["nice", *command],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is for the demo, which then ends this
    ) as process:
        try:

            def drawn() -> int:
                if process.wait():
                    raise DemoFailed("the pictures of the screens could not be drawn")
                return len(list(folder.glob("*.png")))

            yield drawn
        finally:
            process.kill()
