"""What the journal of a dead box still says, read from a copy: nothing is ever written to the old card."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from firmware.records.database import Database
from firmware.records.ended import to_give_up
from firmware.records.errors import StoreError
from firmware.records.format.swap import GivenUp
from firmware.records.format.warrants import ASSIGNMENT
from firmware.records.handover import Paper, papers
from firmware.records.shelf import DATABASE
from firmware.records.states import RecordState
from firmware.records.stock import Blanks, blanks_of
from firmware.records.warrants import newest_of


@dataclass(frozen=True, slots=True)
class OldJournal:
    """`states` by record id; `last` the highest number sealed; `assignment` signed, or None."""

    states: Mapping[str, RecordState] = field(repr=False)
    at_kiosk: str
    last: int
    acked: frozenset[str]
    blanks: Blanks
    assignment: bytes | None
    papers: tuple[Paper, ...]
    given_up: tuple[GivenUp, ...]


def read(records: Path, box: str) -> OldJournal | None:
    """None when it is missing, damaged beyond SQLite's help, or of a newer program."""
    with tempfile.TemporaryDirectory(prefix="old-journal-") as folder:
        copy = Path(folder) / DATABASE
        try:
            for ending in ("", "-wal"):
                source = records / f"{DATABASE}{ending}"
                if not ending or source.exists():
                    shutil.copyfile(source, copy.with_name(source.name))
            with contextlib.closing(Database(copy)) as db:
                return _read(db, box)
        except (OSError, StoreError):
            return None


def _read(db: Database, box: str) -> OldJournal:
    with db.reading() as connection:
        rows = connection.execute("SELECT id, state, is_open FROM record").fetchall()
        last = connection.execute("SELECT coalesce(max(sequence), 0) FROM sealed").fetchone()[0]
        acked = connection.execute("SELECT record_digest FROM sealed WHERE acked_at NOTNULL").fetchall()
    return OldJournal(
        states={row["id"]: RecordState(row["state"]) for row in rows},
        at_kiosk=next((row["id"] for row in rows if row["is_open"]), ""),
        last=last,
        acked=frozenset(row[0] for row in acked),
        blanks=blanks_of(db),
        assignment=newest_of(db, ASSIGNMENT, box),
        papers=tuple(papers(db)),
        given_up=tuple(to_give_up(db)),
    )
