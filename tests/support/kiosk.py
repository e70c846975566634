"""Stories of a whole box: the real kiosk on virtual devices, before a real centre, told by its screens.

```python
with story(tmp_path) as s:          # a fresh box; the citizen ADULT stands before it
    s.until(S.REVIEW)               # the citizen walks there, and stops
    s.touch("wrong:residence")      # ours now: a button that is on the screen
    s.comes(S.HELP)                 # nobody acts; the kiosk gets there by itself
    s.restart()                     # the power was cut: a new kiosk on the disk as it was
```

Time is the test's: `s.skip(120)` lets two minutes pass at once.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from config.schema import Config
from drivers.virtual.card.card import OfficerCard, VirtualCard
from drivers.virtual.card.reader import VirtualReader
from firmware.app.build import build
from firmware.app.kiosk import Act, Kiosk
from firmware.loop import Loop
from firmware.records.clock import stamp
from firmware.records.journal import Journal
from firmware.sim.citizen import Habits, VirtualCitizen
from firmware.sim.officer import PINS
from firmware.sim.people import Citizen
from firmware.sim.station import InProcess, VirtualStation
from statemachine.states import S
from support import office
from ui_fb.display import MemoryDisplay
from ui_fb.screen import Screen

T = TypeVar("T")
Goal = S | type[Screen] | Callable[[], bool]
SIZE = (800, 480)
PATIENCE_S = 90.0
SHARED_MEMORY = Path("/dev/shm")


class Stuck(AssertionError):
    """The kiosk did not get there in time; the text says where it stands."""


class Clock:
    """Real time, and what was skipped of it."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._skipped_s

    def skip(self, seconds: float) -> None:
        self._skipped_s += seconds


@dataclass(frozen=True)
class _Over:
    """The patience of a turn is over."""

    turn: int


class _Hands:
    """A citizen's idea of the loop: what they meant to do is dropped when the test takes over."""

    def __init__(self, story: Story) -> None:
        self._story, self._turn = story, story.turn

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self._story.loop.after(seconds, lambda: act() if self._turn == self._story.turn else None)


class _Reader(VirtualReader):
    """Tells when somebody waits for a card on it."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Event()

    def awaits_card(self) -> None:
        """Return once somebody waits for a card, from now on."""
        self.waiting.clear()
        assert self.waiting.wait(PATIENCE_S)

    def await_card(self, present: bool, timeout_s: float) -> bool:
        if present and timeout_s:
            self.waiting.set()
        return super().await_card(present, timeout_s)


class Story:
    """One box, one centre, and who stands there. `screens` are the names of the screens that were shown."""

    def __init__(self, folder: Path, person: Citizen, habits: Habits, panel: bool) -> None:
        self._has_panel = panel
        self.folder, self.box = folder, folder / "box"
        self.person, self.habits = person, habits
        self.centre = office.CentreHere(folder / "centre")
        self.station = VirtualStation(wait=lambda _: None)
        self.reader, self.staff_reader = _Reader(), _Reader()
        chip, staff = InProcess(), InProcess()
        chip.reader, staff.reader = self.reader, self.staff_reader
        self.station.chip, self.station.badge = chip, staff
        self.clock = Clock()
        self.screens: list[str] = []
        self.cards: list[VirtualCard] = []
        self.record_id = ""
        self.turn = 0
        self._boxes = 1
        self._acting: Callable[[], bool] | None = None
        self._build()
        self.comes_in(person)

    def _build(self) -> None:
        self.loop = Loop(self.clock)
        openers = self.station.openers()
        if not self._has_panel:
            openers = replace(openers, panel=None)
        self.kiosk = build(self.settings(), openers, MemoryDisplay(SIZE), self.loop, self._look)
        self.kiosk.desk.scorer = office.scorer()  # type: ignore[assignment]  # it asks the same child
        self.kiosk.desk.gate = office.gate()

    def settings(self) -> Config:
        """What the kiosk is built with."""
        return office.config(self.box, self.centre.url)

    # --- who acts ----------------------------------------------------------------------------------

    def comes_in(self, person: Citizen) -> None:
        """Another person steps up, with a blank card; whoever was there took along what was theirs."""
        self.station.camera.show_picture(None)
        self.station.camera.sitter.leave()
        self.station.sensor.lift()
        self.station.chip.lift()
        self.person = person
        self.citizen = self._citizen()
        self.cards.append(self.citizen.card)

    def takes_blank(self) -> None:
        """The citizen is given another blank card."""
        self.citizen = self._citizen()
        self.cards.append(self.citizen.card)

    def _citizen(self) -> VirtualCitizen:
        def touch(action: str) -> None:
            self.loop.post(Act(action))

        return VirtualCitizen(self.person, self.habits, self.station, _Hands(self), touch)  # type: ignore[arg-type]

    def until(self, goal: Goal) -> None:
        """Let the citizen do the usual things until the kiosk is there; from then on nobody acts."""
        self._run(goal, acting=True)

    def comes(self, goal: Goal) -> None:
        """Wait until the kiosk gets there by itself."""
        self._run(goal, acting=False)

    def touch(self, *actions: str) -> None:
        """Touch one button after the other; each must be on the screen that shows."""
        for action in actions:
            there = [target.action for target in self.screen.targets(SIZE)]
            assert action in there, f"{action} is not on {self.name}: {there}"
            self.kiosk.handle(Act(action))

    def types(self, digits: str) -> None:
        self.touch(*(f"digit:{digit}" for digit in digits), "ok")

    def second_badge(self, badge: str) -> None:
        """Another officer's badge, once the reader is free and waits for it."""
        self.badge(None)
        self.staff_reader.awaits_card()
        self.badge(badge)
        self.comes(lambda: bool(self.screen.stage == "pin"))

    def lifts_card(self) -> None:
        """Take the card away, and let the reader notice it."""
        self.station.chip.lift()
        self.reader.awaits_card()

    def badge(self, badge: str | None) -> None:
        """Lay an officer's badge onto the staff reader; None: take it away."""
        self.station.badge.lift()
        if badge is not None:
            self.station.badge.put(OfficerCard(badge))

    def officer(self, badge: str = office.OFFICER) -> None:
        """From the help screen: an officer comes, shows badge and PIN, and signs in."""
        self.badge(badge)
        self.comes(S.OFFICER)
        self.types(PINS[badge])
        self.comes(S.ASSISTED)

    # --- what is seen ------------------------------------------------------------------------------

    @property
    def screen(self) -> Any:
        """The screen that shows now."""
        assert self.kiosk.face.last is not None
        return self.kiosk.face.last

    @property
    def name(self) -> str:
        return type(self.screen).__name__

    @property
    def state(self) -> S:
        return self.kiosk.flow.state

    @property
    def fingers_left(self) -> int:
        return len(self.kiosk.flow.session.fingers)

    def ask(self, question: Callable[[Journal], T]) -> T:
        """Ask the journal, behind all that was asked of it before."""
        return self.kiosk.desk.store.call(question)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Read the journal's tables as somebody who holds the disk."""
        with closing(sqlite3.connect(f"file:{self.box / 'records' / 'journal.db'}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(sql, values).fetchall()

    @property
    def record(self) -> str:
        """The state of the last record, as the journal has it."""
        return str(self.ask(lambda journal: journal.state(self.record_id)))

    def acts(self) -> list[str]:
        """The audit log's acts, oldest first."""
        self.ask(lambda _: None)
        return [row["act"] for row in self.rows("SELECT act FROM audit ORDER BY n")]

    # --- time and power ----------------------------------------------------------------------------

    def start(self) -> None:
        self.kiosk.start()

    def skip(self, seconds: float) -> None:
        self.clock.skip(seconds)

    def begins(self, language: str = "vi") -> None:
        """Touch the greeting and choose a language."""
        self.touch("start")
        self.comes(S.LANGUAGE)
        self.touch(f"language:{language}")

    def restart(self, before: Callable[[], None] = lambda: None) -> None:
        """Cut the power, on kiosk and card alike; a new kiosk starts on the disk as it was then.

        `before` it starts, something else may be done.
        """
        card_lay_there = self.station.chip.holds_card
        self.station.chip.lift()
        self._boxes += 1
        after = self.folder / f"box-{self._boxes}"
        self.ask(lambda _: shutil.copytree(self.box, after))
        self.kiosk.close()
        self.box = after
        if card_lay_there:
            self.station.chip.put(self.citizen.card)
        before()
        self._build()
        self.start()

    def close(self) -> None:
        self.kiosk.close()
        self.centre.stop()

    # --- inside ------------------------------------------------------------------------------------

    def _run(self, goal: Goal, acting: bool) -> None:
        self.turn += 1
        reached = self._reached(goal)
        if not reached():
            self._acting = reached if acting else None
            self._wake()
            self.loop.after(PATIENCE_S, _Over(self.turn))
            self.loop.run(lambda message: self._handle(message, goal, reached))
            self._acting = None

    def _handle(self, message: Any, goal: Goal, reached: Callable[[], bool]) -> None:
        if isinstance(message, _Over):
            if message.turn == self.turn:
                reason = self.kiosk.flow.session.reason
                raise Stuck(f"{goal} did not come: {self.state} ({reason}) shows {self.screen}")
            return
        self.kiosk.handle(message)
        if reached():
            self.loop.end()

    def _reached(self, goal: Goal) -> Callable[[], bool]:
        if isinstance(goal, S):
            return lambda: self.state is goal
        if isinstance(goal, type):
            return lambda: isinstance(self.kiosk.face.last, goal)
        return goal

    def _wake(self) -> None:
        """The citizen looks anew, with the same card in hand."""
        card, gone = self.citizen.card, self.citizen.gone
        self.citizen = self._citizen()
        self.citizen.card, self.citizen.gone = card, gone
        if self.kiosk.face.last is not None:
            self._look(self.kiosk)

    def _look(self, kiosk: Kiosk) -> None:
        if not self.screens or self.screens[-1] != self.name:
            self.screens.append(self.name)
        self.record_id = kiosk.visit.record_id or self.record_id
        if self._acting is not None and not self._acting():
            self.citizen.sees(self.screen, kiosk.flow.entry)


def nothing_is_lost(story: Story) -> None:
    """Raise unless the audit log is whole and no card lives that the journal does not know."""
    assert story.ask(lambda journal: journal.audit.verify()) == []
    attempts = story.rows("SELECT * FROM attempt")
    live = [row for row in attempts if row["issuing_at"] and not row["lost_at"]]
    assert len({row["record_id"] for row in live}) == len(live), "two unvoided cards of one record"
    written = [card for card in story.cards if office.sod_on(card.to_bytes())]
    committed = [row for row in attempts if row["issuing_at"]]
    assert len(written) <= len(committed), "a card bears a SOD that the journal does not know"


@contextmanager
def story(
    person: Citizen = office.ADULT,
    at: str = "",
    habits: Habits | None = None,
    started: bool = True,
    panel: bool = False,
) -> Iterator[Story]:
    """A story that begins at the greeting, or `at` one of SCENES; checked when it ends well.

    Most do without the panel, which helps and is not needed.
    """
    habits = habits or Habits(pause_s=0.0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_folder()))
        office.first_morning(folder)
        if at:
            lay_out(at, folder / "box")
        told = Story(folder, person, habits, panel)
        told.centre.start()
        stack.callback(told.close)
        told._build()
        if started:
            told.start()
            if at:  # where the scene was kept a while ago, the citizen proves again on the way
                told.until(S(at.partition("-")[0]))
        yield told
        nothing_is_lost(told)


def _folder() -> TemporaryDirectory[str]:
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    return TemporaryDirectory(prefix="kiosk-story-", dir=place)


SCENES = ("", "REVIEW", "CONSENT", "FINGERS", "FINGERS-1", "PORTRAIT", "CONFIRM", "PLACE_CARD")


@cache
def _scenes() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="kiosk-scenes-")


def lay_out(name: str, box: Path) -> None:
    """Put a scene's disk in the place of `box`, as if the power had been cut just now."""
    shutil.rmtree(box)
    shutil.copytree(scene(name), box)
    with closing(sqlite3.connect(box / "records" / "journal.db")) as journal, journal:
        journal.execute("UPDATE step SET at = ?", (stamp(datetime.now(UTC)),))


@cache
def scene(name: str) -> Path:
    """The box's disk as ADULT's visit comes to this step (`FINGERS-1`: with one finger left)."""
    kept = Path(_scenes().name) / name
    with story(at=SCENES[SCENES.index(name) - 1]) as before:
        state, _, left = name.partition("-")
        before.until(lambda: before.state is S(state) and (not left or before.fingers_left == int(left)))
        before.ask(lambda _: shutil.copytree(before.box, kept))
    return kept
