"""A whole day on a taped disk, and every moment of it at which the power may be cut."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from firmware.records.journal import Journal
from support import box
from support.storage.files import taped_files
from support.storage.model import Disk
from support.storage.sqlite import taped_sqlite
from support.storage.tape import Fault, Kind, Op, Tape, no_fault
from support.storage.truth import Content, content
from support.storage.visits import Plan, Saved, Town

CHANGES = frozenset(
    {"begin", "accept", "step", "leave", "freeze", "wait", "resume", "refuse", "abandon", "keep_image"}
    | {"stage", "keep_sod", "issuing", "complete", "complete_without_card", "lost", "seal", "delivered"}
    | {"load_blanks"}
)
BLANKS = 40


@dataclass(frozen=True)
class Began:
    """A call into the journal."""

    name: str


@dataclass(frozen=True)
class Returned:
    """It said that it is done: then `content` is what must be found after any cut."""

    name: str
    content: Content


@dataclass(frozen=True)
class Failed:
    """It raised: until the next one returns, it may be found done or not."""


@dataclass(frozen=True)
class World:
    saved: Saved


class Watched:
    """A journal each of whose changes is told to the tape, if there is one, when it begins and returns."""

    def __init__(self, journal: Journal, tell: Callable[[Any], None] | None = None) -> None:
        self._journal, self._tell = journal, tell

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._journal, name) if name != "load_blanks" else self._load
        return partial(self._call, name, found) if name in CHANGES else found

    def _load(self) -> None:
        self._journal.stock.load(BLANKS, box.OFFICERS[:1])

    def _call(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        if self._tell is None:
            return call(*args)
        self._tell(Began(name))
        value = call(*args)
        self._tell(Returned(name, content(self._journal)))
        return value


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """In memory where the machine has such a folder: disks are made by the thousand."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="kiosk-cut-", dir=memory if memory.is_dir() else None) as path:
        yield Path(path)


@contextlib.contextmanager
def taped(root: Path, fault: Fault = no_fault) -> Iterator[Tape]:
    tape = Tape(root, fault)
    with taped_files(tape), taped_sqlite(tape):
        yield tape


def film(root: Path, plans: tuple[Plan, ...], restart_every: int = 0, pages: int = 0) -> list[Op]:
    """A day's work under `root`, which stays as it was at the end.

    The box restarts after each `restart_every` calls; its log of the database is brought into it whenever it
    has `pages` pages (SQLite's own: 1000), so that a short day sees this too.
    """
    town = Town(plans)
    with taped(root) as tape:
        town.moved = lambda: tape.note(World(town.saved()))
        town.moved()
        while not _shift(root, town, tape, restart_every, pages):
            pass
    return tape.ops


class _Evening(Exception):
    """The box is switched off, in good order."""


def _shift(root: Path, town: Town, tape: Tape, calls: int, pages: int) -> bool:
    """Work until the day is done (True) or that many calls were made."""
    left = calls or -1

    def tell(note: Any) -> None:
        nonlocal left
        tape.note(note)
        left -= isinstance(note, Returned)
        if left == 0:
            raise _Evening

    tape.note(Began("open"))
    with box.open_journal(root) as journal:
        tape.note(Returned("open", content(journal)))
        if pages:
            journal._db._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        try:
            town.work(Watched(journal, tell))
        except _Evening:
            return False
    return True


@dataclass
class Moment:
    """The power is cut before the operation `at`: what is there of the disk, and what may be found on it."""

    at: int
    disk: Disk
    allowed: tuple[Content, ...]  # empty: after a failure, whatever is sound
    doing: str
    world: Saved
    outcome: tuple[Any, ...]
    """Two moments of the same outcome differ in nothing but bytes that nobody may rely on."""


def moments(ops: list[Op], disk: Disk | None = None) -> Iterator[Moment]:
    """Every moment between two operations, and before and after all."""
    disk = disk or Disk()
    contents = [op.note.content for op in ops if isinstance(op.note, Returned)]
    returned, doing, world, worlds, loose = 0, "", None, 0, False
    for at, op in enumerate([*ops, Op(Kind.NOTE)]):
        if world is not None and (op.kind is not Kind.NOTE or isinstance(op.note, World | None)):
            allowed = () if loose else contents[max(returned - 1, 0) : returned + bool(doing)]
            yield Moment(at, disk, tuple(allowed), doing, world, (returned, worlds))
        disk.do(op)
        match op.note:
            case Began(name):
                doing = name
            case Returned():
                returned, doing, loose = returned + 1, "", False
            case Failed():
                doing, loose = "", True
            case World(saved):
                world, worlds = saved, worlds + 1
