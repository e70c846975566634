"""A swap: 300 undelivered records and 5 waiting drafts go from one box to its spare, by stick and by card.

Old box and spare are whole kiosks on virtual devices, led by a technician who is never waited for. The stick
and the old storage card are folders on this machine's disk; their pages are dropped from the cache before
they are read. No centre is there: a swap needs none.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figure import About, Figure, figure, say
from benchmarks.results import CHECKOUT, FOLDER
from firmware.box.identity import Identity
from firmware.records.journal import Journal
from statemachine.session import Stage
from statemachine.states import S

if TYPE_CHECKING:
    from support.kiosk import Story

RECORDS, DRAFTS = 300, 5
RECORD_BYTES = 2_000_000
BLANKS = 40
AIM_S, MOST_ACTS = 20, 5
BARE = "the same files read, written and fsynced, no more"
SPARE = "BOX-BENCH-{}"


def swap() -> list[Figure]:
    """From stick in to a greeting that takes a touch at the spare; from stick in to done at the old box."""
    found = _measured()
    stick, card = found.spare["stick"], found.spare["card"]
    return [
        figure("box.swap_s", stick.whole_s, "s", AIM_S, BARE, stick.bare_s),
        figure("box.swap_s.disk", card.whole_s, "s", AIM_S, BARE, card.bare_s),
        *(figure(f"box.swap_s.{name}", value, "s") for name, value in stick.parts.items()),
        *(figure(f"box.swap_s.disk.{name}", value, "s") for name, value in card.parts.items()),
        figure("box.swap_acts", len(stick.acts), "acts", MOST_ACTS),
        figure("box.export_s", found.export.whole_s, "s", AIM_S, BARE, found.export.bare_s),
        figure("box.export_acts", len(found.export.acts), "acts"),
    ]


FIGURES: Sequence[Callable[[], list[Figure]]] = (swap,)
VIRTUAL = "the stick and the old card are folders on the desk's disk, nothing of theirs in the cache"
ABOUT: Mapping[str, About] = {
    "box.swap_s": About(
        f"stick in to a greeting that takes a touch, at the spare: {RECORDS} sealed records of 2 MB and"
        f" {DRAFTS} drafts, people's own time left out; `.look`: what is on the stick, every signature and"
        " digest; `.code`: scan of the recovery code; `.take`: the recovery key (scrypt), copy, adopt;"
        " `.ready`: the greeting",
        cpu=True,
        simulated=VIRTUAL,
    ),
    "box.swap_s.disk": About(
        "the same where the old box does not run: its storage card", cpu=True, simulated=VIRTUAL
    ),
    "box.swap_acts": About("what a person does from stick in to the greeting"),
    "box.export_s": About(
        "stick in to done at an old box that still runs: look, close the epoch, copy, read back",
        cpu=True,
        simulated=VIRTUAL,
    ),
    "box.export_acts": About("what a person does there"),
}


@dataclass
class Timed:
    """Seconds by part, a person's `acts`, and what a bare copy of the same files takes."""

    parts: dict[str, float] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)
    bare_s: float = 0.0

    @property
    def whole_s(self) -> float:
        return sum(self.parts.values())

    def act(self, what: str) -> None:
        self.acts.append(what)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.parts[name] = time.perf_counter() - began

    def tell(self, what: str) -> None:
        for n, act in enumerate(self.acts, start=1):
            say(f"{what}, act {n}: {act}")
        say(f"{what}: {self.whole_s:.1f} s; bare copy {self.bare_s:.1f} s")


class _Measured:
    """Both swaps of one old box, by its card and then by its own word."""

    def __init__(self) -> None:
        sys.path.insert(0, str(CHECKOUT / "tests"))
        from support.kiosk import Story

        self.export = Timed()
        self.spare = {"card": Timed(), "stick": Timed()}
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="swap-") as name:
            folder = Path(name)
            self._digits = _first_day(folder)
            self._story = _kiosk(Story, folder)
            try:
                self._by_card(folder)
                self._by_stick(folder)
            finally:
                self._story.close()

    def _by_card(self, folder: Path) -> None:
        card = folder / "old-card"
        shutil.copytree(folder / "box", card)
        shutil.copy(folder / "recovery-identity.age", card)
        timed = self.spare["card"]
        timed.bare_s = _bare(card / "records", folder)
        _stands_there(self._story, folder / "spare-card")
        _takes(self._story, card, self._digits, timed)
        timed.tell("spare, old storage card")

    def _by_stick(self, folder: Path) -> None:
        s, timed = self._story, self.export
        _stands_there(s, folder / "box")
        _technician(s, "give")
        timed.bare_s = _bare(folder / "box" / "records", folder)
        timed.act("stick in")
        with timed.part("look"):
            (folder / "sticks" / "stick").mkdir()
            _at(s, Stage.FOUND)
        timed.act("yes, hand over")
        with timed.part("give"):
            s.touch("ok")
            _at(s, Stage.DONE)
        timed.tell("old box, export")
        stick = folder / "stick"
        (folder / "sticks" / "stick").rename(stick)
        shutil.copy(folder / "recovery-identity.age", stick)
        self.spare["stick"].bare_s = _bare(stick, folder)
        _stands_there(s, folder / "spare-stick")
        _takes(s, stick, self._digits, self.spare["stick"])
        self.spare["stick"].tell("spare, stick")


_measured = cache(_Measured)


# --- people ----------------------------------------------------------------------------------------------


def _takes(s: Story, source: Path, digits: str, timed: Timed) -> None:
    """The spare that stands there takes the place of the box that `source` comes from."""
    from firmware.sim.citizen import qr_picture

    _technician(s, "take")
    _forget(source)
    there = s.folder / "sticks" / source.name
    timed.act("stick in")
    with timed.part("look"):
        source.rename(there)
        _at(s, Stage.FOUND)
    timed.act("yes, this box")
    s.station.camera.show_picture(qr_picture(digits))
    timed.act("the recovery card before the camera")
    with timed.part("code"):
        s.touch("ok")
        _at(s, Stage.BLANKS)
    timed.act(f"count the blank cards, type {BLANKS}")
    with timed.part("take"):
        s.types(str(BLANKS))
        _at(s, Stage.DONE)
    timed.act("done: to the greeting")
    with timed.part("ready"):
        s.touch("ok")
        s.comes(S.ATTRACT)
        s.station.camera.show_picture(None)
        s.touch("start")
        s.comes(S.LANGUAGE)
    counts = s.ask(lambda journal: (journal.carried.counts().unsent, journal.counts().waiting))
    if counts != (RECORDS, DRAFTS):
        raise AssertionError(f"not all came over: {counts}")
    there.rename(source)


def _technician(s: Story, act: str) -> None:
    """Before the clock starts: signed in, the act chosen, the kiosk waits for a stick."""
    from support import office

    from firmware.sim.officer import PINS

    s.badge(None)
    s.staff_reader.awaits_card()
    s.badge(office.TECHNICIAN)
    s.comes(lambda: s.state in (S.STATUS, S.OFFICER))
    if s.state is S.STATUS:
        s.touch("technician")
    s.types(PINS[office.TECHNICIAN])
    s.comes(S.TECHNICIAN)
    s.touch("acts", f"act:{act}")
    _at(s, Stage.STICK)


def _at(s: Story, stage: Stage) -> None:
    def there() -> bool:
        swap = s.kiosk.flow.session
        if s.state is S.SWAP and swap.stage is Stage.REFUSED:
            raise AssertionError(f"the swap was refused: {s.screen}")
        return s.state is S.SWAP and swap.stage is stage

    s.comes(there)


# --- two boxes and what lies on them ---------------------------------------------------------------------


def _first_day(folder: Path) -> str:
    """Centre, old box with its records, two spares; the recovery code's digits."""
    from support import office

    from centre.station import Station
    from firmware.box.officers import write_officers
    from firmware.sim.card_keys import write_card_keys
    from firmware.sim.officer import staff

    station = Station(folder / "centre")
    station.init()
    boxes = {"box": office.BOX, "spare-card": SPARE.format(1), "spare-stick": SPARE.format(2)}
    for name, box in boxes.items():
        identity = folder / name / "identity"
        station.enrol_box(box, identity)
        write_officers(identity / "officers.json", staff())
        write_card_keys(identity)
    (folder / "sticks").mkdir()
    _fill(folder / "box")
    return station.recovery(folder / "recovery-identity.age")


def _fill(data: Path) -> None:
    """Sealed records that no centre has, and visits that wait."""
    from support import box, record
    from support.campaign import enrol

    say(f"sealing {RECORDS} records of {RECORD_BYTES / 1e6:g} MB")
    identity, noise = Identity(data / "identity"), random.Random(11)  # noqa: S311  bytes, not a secret
    with Journal(data / "records", identity.keys(simulated=True), lambda: datetime.now(UTC)) as journal:
        journal.stock.load(BLANKS, ["O-1"])
        for number in range(1, RECORDS + 1):
            enrol(journal, identity.box, number, noise.randbytes(RECORD_BYTES))
        for _ in range(DRAFTS):
            record_id = journal.begin("first_issue", "7/2024", record.assignment(identity.box))
            for part, value, blobs in box.parts():
                big = {name: noise.randbytes(RECORD_BYTES) for name in blobs if part == "portrait"}
                journal.accept(record_id, part, value, blobs | big)
            journal.wait(record_id, "interrupted", journal.now() + timedelta(days=30))


def _kiosk(story: Any, folder: Path) -> Story:
    """A story's hands and eyes; which box stands there says `_stands_there`."""
    from support import office

    from firmware.sim.citizen import Habits

    told: Story = story(folder, office.ADULT, Habits(pause_s=0.0), panel=False)
    return told


def _stands_there(s: Story, data: Path) -> None:
    s.kiosk.close()
    s.box = data
    s._build()
    desk = s.kiosk.desk
    station = replace(desk.config.station, sticks=str(s.folder / "sticks"))
    desk.config = replace(desk.config, station=station)
    s.start()
    s.comes(S.ATTRACT)


def _bare(source: Path, folder: Path) -> float:
    """Seconds to copy every file below `source` and to fsync each."""
    target = folder / "bare"
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    for path in files:
        (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
    _forget(source)
    began = time.perf_counter()
    for path in files:
        with path.open("rb") as old, (target / path.relative_to(source)).open("wb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fsync(new.fileno())
    took = time.perf_counter() - began
    shutil.rmtree(target)
    return took


def _forget(folder: Path) -> None:
    """Have the kernel drop what it holds of these files, as of a stick that was just put in."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
