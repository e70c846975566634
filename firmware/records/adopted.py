"""What an adoption answered: kept in the audit log, and read from there again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from firmware.records.database import Readable
from firmware.records.states import RecordState

S = RecordState
ACT = "adopted"


@dataclass(frozen=True, slots=True)
class AdoptedDraft:
    """A draft that goes on here. `now`: its citizen stood at the other box. `ticket` "": none is needed.

    `old_ticket`: what stands on the citizen's slip, where another record here had that ticket already.
    """

    record_id: str
    state: RecordState
    ticket: str
    now: bool = False
    old_ticket: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The whole answer. `again`: this was done before, and nothing was done now."""

    box: str
    epoch: int
    closed_at: int | None
    known_by: str
    records: int
    drafts: tuple[AdoptedDraft, ...]
    lost: tuple[str, ...]
    blanks_stated: int | None
    blanks_counted: int
    again: bool = False


def done(db: Readable, box: str, epoch: int) -> Adopted | None:
    """What an adoption answered, by the audit log; also beside a running kiosk. Tickets as of now."""
    with db.reading() as connection:
        rows = connection.execute("SELECT detail FROM audit WHERE act = ? ORDER BY n DESC", (ACT,)).fetchall()
        tickets = dict(connection.execute("SELECT id, ticket FROM record").fetchall())
    for row in rows:
        about = json.loads(row["detail"])
        if (about["box"], about["epoch"]) != (box, epoch):
            continue
        drafts = tuple(
            AdoptedDraft(
                each["record_id"], S(each["state"]), tickets.get(each["record_id"]) or "", each["now"]
            )
            for each in about["drafts"]
        )
        return Adopted(**{**about, "drafts": drafts, "lost": tuple(about["lost"])}, again=True)
    return None


def about(answer: Adopted) -> dict[str, Any]:
    """For the audit log, where nothing is encrypted: record ids and counts, and no ticket."""
    drafts = [
        {"record_id": draft.record_id, "state": str(draft.state), "now": draft.now} for draft in answer.drafts
    ]
    return {
        "box": answer.box,
        "epoch": answer.epoch,
        "closed_at": answer.closed_at,
        "known_by": answer.known_by,
        "records": answer.records,
        "drafts": drafts,
        "lost": list(answer.lost),
        "blanks_stated": answer.blanks_stated,
        "blanks_counted": answer.blanks_counted,
    }
