"""What a dead kiosk left on its disk, read from outside, and where the next one must go on by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmware.box.identity import Identity
from firmware.records.report import Explanation, explain, list_records
from firmware.records.shelf import Shelf, beside
from firmware.records.states import RecordState
from statemachine.states import CHIP, S

DONE = (RecordState.SEALED, RecordState.ACKED, RecordState.PURGED)
HAVE_NO_OTHER = frozenset({S.ATTRACT})
KEPT = {S.FINGERS: "finger/", S.PORTRAIT: "portrait"}
"""Steps whose work may be kept already while the next step is not noted yet."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The record that was at the kiosk: its state and noted step, "" for none; where it may come back."""

    state: str = ""
    step: str = ""
    lands: frozenset[S] = HAVE_NO_OTHER

    def __str__(self) -> str:
        return f"{self.state} at {self.step}" if self.state else "no open record"


@contextmanager
def opened(box: Path) -> Iterator[Shelf]:
    """The box's store, for reading; nobody needs to be there."""
    with beside(box / "records", Identity(box / "identity").certificate("box.crt")) as shelf:
        yield shelf


def what_lies_there(box: Path) -> OnDisk:
    """The open record, and the steps that are right for a restart."""
    if not (box / "records" / "journal.db").exists():
        return OnDisk()
    with opened(box) as shelf:
        found = next((row for row in list_records(shelf) if row.at_kiosk), None)
        if found is None:
            return OnDisk()
        about = explain(shelf, found.record_id)
    return OnDisk(str(found.state), found.step or "", _lands(about))


def is_done(box: Path, record_id: str) -> bool:
    """Whether a record is sealed: its citizen has all there is to have."""
    with opened(box) as shelf:
        return any(row.record_id == record_id and row.state in DONE for row in list_records(shelf))


def unsent(box: Path) -> int:
    """How many records are finished, and the centre's receipt is not here."""
    with opened(box) as shelf:
        waits = (RecordState.COMPLETE, RecordState.SEALED, RecordState.ACKED)
        return sum(row.state in waits for row in list_records(shelf))


def _lands(about: Explanation) -> frozenset[S]:
    record = about.record
    match record.state:
        case RecordState.DRAFT if "proof" in about.missing:
            return HAVE_NO_OTHER  # nobody was proven: whoever stands there begins anew
        case RecordState.DRAFT:
            return frozenset({_after(S(record.step or S.PROVE), about.missing)})
        case RecordState.FROZEN:
            return frozenset({S.PLACE_CARD})
        case RecordState.ISSUING:
            return frozenset({S(record.step) if record.step in CHIP else S.WRITE_CHIP})
        case RecordState.COMPLETE:
            return frozenset({S.RECEIPT})
    return HAVE_NO_OTHER


def _after(step: S, missing: tuple[str, ...]) -> S:
    """The noted step, or the next one where nothing of it is missing."""
    order = (*KEPT, S.CONFIRM)
    while step in KEPT and not any(part.startswith(KEPT[step]) for part in missing):
        step = order[order.index(step) + 1]
    return step
