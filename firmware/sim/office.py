"""The office of a virtual station: a centre in its own process, an enrolled box, made-up people and staff."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from config.load import load
from config.schema import Config, Signer
from drivers.api import FingerImage
from drivers.virtual.skin import Finger, impression
from firmware.app.kiosk import Kiosk
from firmware.box.officers import write_officers
from firmware.quality.nbis.client import FingerScorer, ScorerError
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.records.format.rules import local_day
from firmware.records.journal import Journal
from firmware.sim.card_keys import write_card_keys
from firmware.sim.centre import CentreProcess
from firmware.sim.citizen import Habits
from firmware.sim.folder import held
from firmware.sim.officer import staff
from firmware.sim.people import Citizen, citizen, registry_row
from firmware.sim.station import DIALECT, VirtualStation

BOX = "BOX-VIRTUAL-01"
BLANKS = 100
Language = Literal["vi", "en"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """The demo's options, as on its command line."""

    citizens: int = 1
    seed: int = 1
    worn: bool = False
    language: Language = "vi"
    real_pace: bool = False
    pcsc: bool = False
    dialect: str = DIALECT
    """Of the blank cards: the name of a file in config/cards."""
    night: bool = False
    """The portrait by a street lamp, of somebody who sits wrong in one way after the other."""
    folder: Path = Path("var/demo")
    fresh: bool = True
    """Begin with an empty centre and an empty box; the development keys stay."""
    power_cuts: int = 0
    """How often the kiosk is killed; then it runs in a process of its own."""
    offline_s: float = 0.0
    """How long the line to the centre is cut, on the demo's clock."""


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
        self.day = local_day(datetime.now(UTC))
        self.people = [citizen(self.wishes.seed * 1000 + n, self.day) for n in range(self.wishes.citizens)]
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
                VirtualStation(
                    pcsc=self.wishes.pcsc,
                    real_pace=self.wishes.real_pace,
                    dialect=self.wishes.dialect,
                    wait=time.sleep,
                )
            )
            imported.result()
            self._stack = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def box(self) -> Path:
        return self.wishes.folder / "box"

    def config(self) -> Config:
        return config_of(self.box, self.wishes.language, self.centre.url, self.wishes.dialect)

    def _write_people(self) -> Path:
        """The made-up people as the registry takes them, with templates where the matcher is installed."""
        template, close = _template_maker(self.config())
        rows = [registry_row(person, template) for person in self.people]
        close()
        file = self.wishes.folder / "people.json"
        file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        return file


def config_of(
    box: Path, language: Language, url: str, dialect: str = DIALECT, signer: Path | None = None
) -> Config:
    """The configuration of a virtual station over the folder `box`.

    `signer`: folder of a document signer's key and certificate, where the box itself signs.
    """
    config = load()
    station = replace(
        config.station,
        data=str(box),
        language=language,
        home_unit="UNIT-DEMO",
        capture_unit="UNIT-DEMO",
        team="TEAM-DEMO",
    )
    chip, centre = replace(config.chip, dialect=dialect), replace(config.centre, url=url)
    config = replace(config, station=station, chip=chip, centre=centre)
    if signer is None:
        return config
    files = Signer("file", certificate=str(signer / "ds.crt.pem"), key=str(signer / "ds.key.pem"))
    return replace(config, signer=files)


def habits_of(wishes: Wishes) -> Habits:
    """How the citizens of a demo behave."""
    return Habits(
        language=wishes.language,
        pause_s=0.9 if wishes.real_pace else 0.03,
        dry=0.75 if wishes.worn else 0.05,
        worn=0.6 if wishes.worn else 0.0,
    )


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


def stock_up(kiosk: Kiosk, count: int = BLANKS) -> None:
    """Book the virtual station's blanks in, once."""

    def load_blanks(journal: Journal) -> None:
        if count and journal.stock.blanks().taken_in == 0:
            journal.stock.load(count, ["NV-0001"])

    kiosk.desk.store.submit(0, "stock", load_blanks)
