"""`kiosk demo`: a centre, a virtual station and virtual citizens, on the layers of a real box."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from config.load import load
from config.schema import Config
from drivers.api import FingerImage
from drivers.virtual.skin import Finger, impression
from firmware.app.build import build
from firmware.app.kiosk import Act, Kiosk
from firmware.box.officers import Officer, hashed, write_officers
from firmware.loop import Loop
from firmware.quality.nbis.client import FingerScorer, ScorerError
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.records.format.rules import local_day
from firmware.sim.centre import CentreProcess
from firmware.sim.citizen import Habits, VirtualCitizen
from firmware.sim.people import Citizen, citizen, registry_row
from firmware.sim.station import VirtualStation
from statemachine.states import S
from ui_fb.display import MemoryDisplay

BOX = "BOX-VIRTUAL-01"
BLANKS = 100
PINS = {"NV-0001": "135790", "NV-0002": "246802", "KT-0001": "112233"}
"""Badges of the virtual station's made-up staff and their PINs: a virtual station only."""


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
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "centre").mkdir(exist_ok=True)
        self.centre.set_up()
        self.centre.enrol(BOX, folder / "box" / "identity")
        write_officers(folder / "box" / "identity" / "officers.json", staff())
        self.people = [
            citizen(self.wishes.seed * 1000 + n, local_day(datetime.now(UTC)))
            for n in range(self.wishes.citizens)
        ]
        self._import()
        self._stack.enter_context(self.centre)
        self.station = self._stack.enter_context(
            VirtualStation(pcsc=self.wishes.pcsc, real_pace=self.wishes.real_pace, wait=time.sleep)
        )
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

    def _import(self) -> None:
        """Put the made-up people into the registry, with templates where NFIQ 2's matcher is installed."""
        template, close = _template_maker(self.config())
        rows = [registry_row(person, template) for person in self.people]
        close()
        file = self.wishes.folder / "people.json"
        file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        self.centre.import_people(file)


def staff() -> list[Officer]:
    """Two officers and a technician of a virtual station."""
    roles = {"NV": "officer", "KT": "technician"}
    return [
        Officer(badge, badge, f"Cán bộ ảo {badge}", roles[badge[:2]], hashed(pin))
        for badge, pin in PINS.items()
    ]


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


def walk(office: VirtualOffice, watch: Callable[[Kiosk], None], habits: Habits) -> Kiosk:
    """Let every citizen walk through the procedure; returns when all records are delivered.

    Raises DemoFailed when a citizen does not get home with a card and a receipt in time.
    """
    loop = Loop()
    display = MemoryDisplay((800, 480))
    waiting = list(office.people)
    inside: list[VirtualCitizen] = []
    deadline = loop.clock() + 180.0 * len(waiting) + 60.0

    def look(kiosk: Kiosk) -> None:
        watch(kiosk)
        screen = kiosk.face.last
        if screen is None:
            return
        if kiosk.flow.state is S.ATTRACT and (not inside or inside[-1].gone):
            if not waiting:
                return
            inside.append(
                VirtualCitizen(waiting.pop(0), habits, office.station, loop, lambda a: loop.post(Act(a)))
            )
        if inside:
            inside[-1].sees(screen, kiosk.flow.entry)

    kiosk = build(office.config(), office.station.openers(), display, loop, look)

    def check() -> None:
        if loop.clock() > deadline:
            raise DemoFailed(
                f"stuck in {kiosk.flow.state} ({kiosk.flow.session.reason or 'no reason given'})"
            )
        if not waiting and inside and inside[-1].gone and len(kiosk.last_receipts) >= len(office.people):
            loop.end()
        loop.after(0.2, check)

    loop.after(0.2, check)
    try:
        kiosk.start()
        loop.run(kiosk.handle)
    finally:
        kiosk.close()
    return kiosk


def summary(office: VirtualOffice) -> dict[str, Any]:
    """What the centre holds now."""
    return office.centre.counts()
