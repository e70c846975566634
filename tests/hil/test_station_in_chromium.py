"""A person at a virtual station's page, in a real browser: every step is a click or a key."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.chromium import Chromium, Page
from support.station import END_S, RunningStation

from config.load import load
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.quality.portrait_models import FaceModels, ModelsMissingError
from firmware.sim.centre import CentreProcess
from firmware.sim.officer import PINS

pytestmark = pytest.mark.chromium

FINGERS = 10
TECHNICIAN = "KT-0001"
TRIES = 3
SHOWN_S = 6.0
"""A good finger is kept within this time; else the person lifts it and lays it down again."""


@pytest.fixture
def station(tmp_path: Path) -> Iterator[RunningStation]:
    tools = Path(load().station.tools)
    try:
        locate(tools)
        FaceModels(tools / "models")
    except (ScorerMissing, ModelsMissingError) as exc:
        pytest.skip(f"the set-up has not fetched its tools: {exc}")
    running = RunningStation(tmp_path)
    yield running
    running.close()


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    with Chromium(tmp_path / "profile") as browser:
        yield browser


class Person:
    """Looks at the page and clicks on it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sees(self, *screens: str, within_s: float = 30.0) -> None:
        self.page.until(f"{list(screens)}.includes(document.body.dataset.screen)", within_s)

    def touches(self, action: str) -> None:
        """Click on the picture where the screen has this button."""
        target = f"[data-action='{action}']"
        self.page.until(f"document.querySelector({target!r}) !== null")
        self.page.click(target)

    def does(self, verb: str, what: str) -> None:
        self.page.click(f"[data-verb='{verb}'][data-what='{what}']")

    def shows(self, asked: str) -> None:
        """Lay the asked finger down until the box has had enough of it."""
        done = f"document.body.dataset.asks !== {asked!r}"
        for _ in range(TRIES):
            self.does("finger", "none")
            self.page.until("document.body.dataset.lift === 'false'")
            self.does("finger", "asked")
            if self.page.holds(done, SHOWN_S):
                return
        self.page.until(done)

    @property
    def asked(self) -> str:
        return str(self.page.ask("document.body.dataset.asks"))


def test_a_person_walks_from_the_greeting_to_the_receipt(station: RunningStation, chromium: Chromium) -> None:
    person = Person(chromium.open(station.url))
    identifies(person)
    gives_ten_fingers(person)
    sits_for_the_portrait(person)
    gets_a_card(person)
    the_technician_looks(person)
    assert chromium.logged == [], "the page complained"
    helpers = station.children()
    assert helpers, "the centre is a process of its own"
    assert station.end(signal.SIGINT, group=True) == 0
    _, alive = psutil.wait_procs(helpers, END_S)
    assert not alive
    assert "Traceback" not in station.said()
    grants = CentreProcess(station.folder / "station" / "centre").counts()["grants"]
    assert sum(grants.values()) == 1, "the centre signed one card"


def identifies(person: Person) -> None:
    """From the greeting, by keyboard, to the proof that it is the person of the registry."""
    person.sees("Attract")
    person.page.ask("document.querySelector('[data-action=start]').focus()")
    person.page.press("Enter")
    person.sees("Language")
    person.touches("language:vi")
    person.sees("Identify")
    person.touches("by:qr")
    person.sees("ScanQr")
    person.does("qr", "own")
    person.sees("Prove")
    person.does("qr", "none")
    person.shows(person.asked)
    person.sees("Review")
    while person.page.ask("document.body.dataset.screen") == "Review":
        before = person.page.ask("document.body.dataset.version")
        person.touches("ok")
        person.page.until(f"document.body.dataset.version !== '{before}'")
    person.sees("Consent")
    person.touches("consent:yes")
    person.sees("EidRequest")
    person.touches("eid:yes")
    person.sees("Fingers")


def gives_ten_fingers(person: Person) -> None:
    seen = []
    while (asked := person.asked) != "":
        seen.append(asked)
        person.shows(asked)
    assert len(set(seen)) == FINGERS
    person.does("finger", "none")


def sits_for_the_portrait(person: Person) -> None:
    person.sees("Portrait")
    person.does("sit", "down")
    person.sees("Confirm", within_s=60)
    person.touches("ok")


def gets_a_card(person: Person) -> None:
    person.sees("PlaceCard")
    person.does("card", "blank")
    person.sees("Receipt", within_s=60)
    person.does("card", "none")
    person.touches("ok")
    person.sees("Farewell")
    person.touches("done")
    person.sees("Attract")


def the_technician_looks(person: Person) -> None:
    """Types the PIN as fast as keys go: its digits arrive in their order."""
    person.does("badge", TECHNICIAN)
    person.sees("Status")
    person.touches("technician")
    person.sees("Officer")
    person.page.ask("document.querySelector('#targets button').focus()")
    person.page.type(PINS[TECHNICIAN])
    person.touches("ok")
    person.sees("Technician")
