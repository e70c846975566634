"""A day on a disk that fails at a given operation, served as the kiosk's store does.

A full disk leaves the journal open, and what was not done is tried again; after any other failure of the
store the journal is closed and opened anew.
"""

from __future__ import annotations

from pathlib import Path

from firmware.records.errors import DiskFull, StoreError
from firmware.records.journal import Journal
from support import box
from support.storage.filming import Began, Failed, Returned, Watched, World, taped
from support.storage.tape import Failing, Op, Tape
from support.storage.truth import all_done, content
from support.storage.visits import Plan, Town

MOST_TRIES = 200


def failing_film(root: Path, plans: tuple[Plan, ...], fault: Failing) -> list[Op]:
    """The operations of the day, which came to its end in spite of all; the fault may not have struck."""
    town = Town(plans)
    with taped(root, fault) as tape:
        town.moved = lambda: tape.note(World(town.saved()))
        town.moved()
        for _ in range(MOST_TRIES):
            try:
                with _opened(root, tape) as journal:
                    _work(journal, town, tape)
                    all_done(journal, town)
                return tape.ops
            except StoreError:
                tape.note(Failed())
    raise AssertionError("the day never came to its end")


def _opened(root: Path, tape: Tape) -> Journal:
    tape.note(Began("open"))
    journal = box.open_journal(root)
    tape.note(Returned("open", content(journal)))
    return journal


def _work(journal: Journal, town: Town, tape: Tape) -> None:
    for _ in range(MOST_TRIES):
        try:
            return town.work(Watched(journal, tape.note))
        except DiskFull:
            tape.note(Failed())
    raise AssertionError("the disk never had room again")
