"""`kiosk demo`: a centre, a virtual station and virtual citizens, on the layers of a real box."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.console import Console

from config.load import load
from config.schema import Config
from drivers.api import FingerImage
from drivers.virtual.card.card import VirtualCard
from drivers.virtual.skin import Finger, impression
from firmware.app.build import build
from firmware.app.devices import Openers
from firmware.app.kiosk import Act, Kiosk
from firmware.box.officers import write_officers
from firmware.loop import Loop
from firmware.quality.nbis.client import FingerScorer, ScorerError
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.records.format.rules import local_day
from firmware.records.journal import Journal
from firmware.sim.card_keys import write_card_keys
from firmware.sim.centre import CentreProcess
from firmware.sim.citizen import Habits, VirtualCitizen
from firmware.sim.evidence import gather
from firmware.sim.folder import held
from firmware.sim.officer import VirtualOfficer, staff
from firmware.sim.people import Citizen, citizen, registry_row
from firmware.sim.show import Show, report, tables
from firmware.sim.station import VirtualStation
from statemachine.states import S
from ui_fb.display import MemoryDisplay

BOX = "BOX-VIRTUAL-01"
BLANKS = 100
PATIENCE_S = 240.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The demo's options, as on its command line."""

    citizens: int = 1
    seed: int = 1
    worn: bool = False
    language: Literal["vi", "en"] = "vi"
    real_pace: bool = False
    pcsc: bool = False
    folder: Path = Path("var/demo")
    fresh: bool = True
    """Begin with an empty centre and an empty box; the development keys stay."""


class DemoFailed(Exception):
    """Something is not as the demo must show it; the text says what."""


class VirtualOffice:
    """A centre in its own process and a virtual station enrolled at it, under one folder."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.centre = CentreProcess(wishes.folder / "centre")
        self.people: list[Citizen] = []
        self._stack = ExitStack()

    def __enter__(self) -> VirtualOffice:
        folder = self.wishes.folder
        self.people = [
            citizen(self.wishes.seed * 1000 + n, local_day(datetime.now(UTC)))
            for n in range(self.wishes.citizens)
        ]
        with ExitStack() as opening:  # whatever stops the opening half-way ends what had begun
            opening.enter_context(held(folder))
            if self.wishes.fresh:
                _forget_records(folder)
            (folder / "centre").mkdir(exist_ok=True)
            aside = opening.enter_context(ThreadPoolExecutor(1))
            written = aside.submit(self._write_people)  # their fingers grow while the centre makes its keys
            self.centre.set_up(BOX, folder / "box" / "identity")
            write_officers(folder / "box" / "identity" / "officers.json", staff())
            write_card_keys(folder / "box" / "identity")
            imported = aside.submit(lambda: self.centre.import_people(written.result()))
            opening.enter_context(self.centre)
            self.station = opening.enter_context(
                VirtualStation(pcsc=self.wishes.pcsc, real_pace=self.wishes.real_pace, wait=time.sleep)
            )
            imported.result()
            self._stack = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def config(self) -> Config:
        config = load()
        station = replace(
            config.station,
            data=str(self.wishes.folder / "box"),
            language=self.wishes.language,
            home_unit="UNIT-DEMO",
            capture_unit="UNIT-DEMO",
            team="TEAM-DEMO",
        )
        return replace(config, station=station, centre=replace(config.centre, url=self.centre.url))

    def _write_people(self) -> Path:
        """The made-up people as the registry takes them, with templates where the matcher is installed."""
        template, close = _template_maker(self.config())
        rows = [registry_row(person, template) for person in self.people]
        close()
        file = self.wishes.folder / "people.json"
        file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        return file


def _forget_records(folder: Path) -> None:
    """Remove what an earlier run made, but for the development keys of the centre."""
    shutil.rmtree(folder / "box", ignore_errors=True)
    for left in (folder / "centre").glob("*"):
        if left.is_dir() and left.name != "pki":
            shutil.rmtree(left)
        elif left.is_file():
            left.unlink()


def _template_maker(config: Config) -> tuple[Callable[[int, str], bytes] | None, Callable[[], None]]:
    try:
        scorer = FingerScorer(locate(Path(config.station.tools)))
        if scorer.unavailable() is not None:
            return None, scorer.close
    except ScorerMissing:
        return None, lambda: None

    def template(seed: int, position: str) -> bytes:
        for touch in range(5):
            try:
                return scorer.template(FingerImage(impression(Finger(seed, position), touch)))
            except ScorerError:
                continue
        raise DemoFailed(f"no template could be made of the made-up finger {position}")

    return template, scorer.close


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
            if len(self.kiosk.last_receipts) >= len(self._office.people):
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
    show = Show(console)
    show.say("centre, keys and virtual station …")
    pictures = wishes.folder / "screens"
    with VirtualOffice(wishes) as office, _gallery(pictures) as drawn:
        how = "private pcscd + vpcd" if wishes.pcsc else "virtual reader in process"
        show.say(f"centre at {office.centre.url} (own process), chip over {how}")
        habits = Habits(
            language=wishes.language,
            pause_s=0.9 if wishes.real_pace else 0.03,
            dry=0.75 if wishes.worn else 0.05,
            worn=0.6 if wishes.worn else 0.0,
        )
        walker = Walker(office, habits, show.watch)
        try:
            walks = walker.run()
            evidence = [
                gather(walker.kiosk.desk, wishes.folder / "centre", walk.record_id, walk.card)
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


def stock_up(kiosk: Kiosk) -> None:
    """Book the virtual station's blanks in, once."""

    def load_blanks(journal: Journal) -> None:
        if journal.stock.blanks().taken_in == 0:
            journal.stock.load(BLANKS, ["NV-0001"])

    kiosk.desk.store.submit(0, "stock", load_blanks)


def _once(walks: list[Walk]) -> list[Walk]:
    return list({walk.record_id: walk for walk in walks}.values())


@contextmanager
def _gallery(folder: Path) -> Iterator[Callable[[], int]]:
    """Draw every screen into `folder` in a process of low priority; the value waits and counts them."""
    command = [sys.executable, "-m", "ui_fb.gallery", str(folder)]
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
