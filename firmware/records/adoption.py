"""Taking another box's place: its sealed records, its waiting drafts and its blanks, in one transaction.

Files come first and are durable before a row speaks of them; a cut leaves files that the next try finds, or
the whole adoption. What could not be read is kept aside and named: nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyrage

from firmware.records.adopted import ACT, Adopted, AdoptedDraft, about, done
from firmware.records.audit import Audit
from firmware.records.carried import Carried
from firmware.records.clock import JournalClock, stamp
from firmware.records.database import Database
from firmware.records.ended import take_over
from firmware.records.errors import SourceDamaged, StoreDamaged, UnknownRecord
from firmware.records.fence import HANDED_OVER
from firmware.records.format.swap import Adoption, GivenUp
from firmware.records.handover import Handovers, Paper
from firmware.records.keys import BoxKeys
from firmware.records.replay import Replay
from firmware.records.sidecar import Head
from firmware.records.states import RecordState
from firmware.records.stock import Stock
from firmware.records.vault import Vault
from firmware.records.waiting import Waiting

__all__ = ["SWAPPED", "Adopted", "AdoptedDraft", "Adoptions", "Plan"]

S = RecordState
SWAPPED = "box_swapped"
"""Why a draft waits whose citizen stood at the other box: they stand here now."""
DAMAGED = (StoreDamaged, UnknownRecord, KeyError, ValueError, TypeError)
"""What makes one draft lost, and nothing else."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found and judged. `sealed` and `carried`: (folder, sidecar) of files that are there.

    Whether a sealed file is what its sidecar says is judged as it is copied; one that is not is named among
    what is lost, or, where `strict`, ends the adoption before anything is taken. `drafts` are folders by
    record id, opened by `recovery`. `until`: how long a ticket made now is good for. `lost`: what is known to
    be missing or damaged, in words. `certificates` (DER) are of the boxes that sealed what is carried.
    """

    by_epoch: int
    box: str
    epoch: int
    closed_at: int | None
    known_by: str
    evidence_sha256: str
    evidence: bytes | None
    place: bytes | None
    sealed: tuple[tuple[Path, Head], ...]
    drafts: Mapping[str, Path]
    recovery: pyrage.x25519.Identity | None = field(repr=False)
    blanks_stated: int | None
    blanks_counted: int
    officer: str
    until: datetime
    lost: tuple[str, ...] = ()
    carried: tuple[tuple[Path, Head], ...] = ()
    papers: tuple[Paper, ...] = ()
    given_up: tuple[GivenUp, ...] = ()
    certificates: Mapping[str, bytes] = field(default_factory=dict)
    strict: bool = False
    progress: Callable[[int, int], None] = lambda _done, _of: None

    def files(self, every: Sequence[tuple[Path, Head]]) -> Iterator[tuple[Path, Head]]:
        """Each of them; `progress` hears how many are done."""
        for before, file in enumerate(every):
            self.progress(before, len(every))
            yield file
        self.progress(len(every), len(every))


class Adoptions:
    """Carries out a plan. Durable when a call returns."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        audit: Audit,
        clock: JournalClock,
        waiting: Waiting,
        carried: Carried,
        handovers: Handovers,
        stock: Stock,
        keys: BoxKeys,
    ) -> None:
        self._db, self._vault, self._audit, self._clock, self._waiting = db, vault, audit, clock, waiting
        self._carried, self._handovers, self._stock, self._keys = carried, handovers, stock, keys

    def done(self, box: str, epoch: int) -> Adopted | None:
        """The answer of the adoption of this epoch, if there was one."""
        return done(self._db, box, epoch)

    def run(self, plan: Plan) -> Adopted:
        """Take everything of the plan that is not here, and sign the adoption.

        Once more for the same place: what could not be read before, or was not known; the adoption is signed
        anew where more is known now than then. Raises SourceDamaged, SourceGone and StoreError; then call
        again.
        """
        spoilt = self._carried.take(plan.files((*plan.sealed, *plan.carried)))
        if plan.strict and any(head.box == plan.box for head in spoilt):
            raise SourceDamaged("; ".join(_spoilt(plan, spoilt[:5])))
        for box, certificate in plan.certificates.items():
            self._carried.know(box, certificate)
        lost = [*plan.lost, *_spoilt(plan, spoilt)]
        with self._db.transaction() as connection:
            before = self.done(plan.box, plan.epoch)
            drafts = tuple(self._drafts(plan, lost))
            records = self._carried.add(head for _, head in plan.sealed if head not in spoilt)
            self._carried.add(head for _, head in plan.carried if head not in spoilt)
            answer = _answer(plan, before, records, drafts, tuple(lost))
            if answer.blanks_counted and not (before and before.blanks_counted):
                self._stock.load(answer.blanks_counted, [plan.officer])
            if before is None or before.known_by != plan.known_by:
                self._handovers.adopt(self._paper(plan, answer), plan.evidence, plan.place)
            for paper in plan.papers:
                self._handovers.keep_foreign(paper)
            at_work = {"box": plan.box, "epoch": plan.epoch}
            take_over(connection, plan.given_up, at_work, self._clock.stamp())
            self._audit.append(plan.officer, ACT, None, about(answer))
            self._audit.checkpoint()
        self._handovers.kept()
        return answer

    def has(self, record_id: str) -> bool:
        """Whether this draft is, or was, a record of this box's own."""
        with self._db.reading() as connection:
            row = connection.execute("SELECT ended_reason FROM record WHERE id = ?", (record_id,)).fetchone()
        return row is not None and row["ended_reason"] != HANDED_OVER

    def _paper(self, plan: Plan, answer: Adopted) -> Adoption:
        return Adoption(
            by=self._keys.box,
            by_epoch=plan.by_epoch,
            box=plan.box,
            epoch=plan.epoch,
            closed_at=plan.closed_at,
            known_by=plan.known_by,
            evidence=plan.evidence_sha256,
            records=answer.records,
            drafts=tuple(draft.record_id for draft in answer.drafts),
            blanks_stated=plan.blanks_stated,
            blanks_counted=plan.blanks_counted,
            officer=plan.officer,
            at=self._clock.now(),
        )

    # --- drafts ----------------------------------------------------------------------------------------

    def _drafts(self, plan: Plan, lost: list[str]) -> list[AdoptedDraft]:
        adopted = []
        for record_id, source in plan.drafts.items():
            if self._is_here(record_id):
                continue
            try:
                adopted.append(self._draft(plan, record_id, source))
            except DAMAGED as exc:
                lost.append(self._lost(record_id, exc))
        return adopted

    def _draft(self, plan: Plan, record_id: str, source: Path) -> AdoptedDraft:
        """One draft's files and rows. Raises one of DAMAGED."""
        if plan.recovery is None:
            raise ValueError("no recovery identity")
        self._vault.take(record_id, source, plan.recovery)
        replay = Replay(self._vault, record_id)
        began = replay.began["assignment"]
        if began["box"] != plan.box:
            raise ValueError("another box's draft")
        first = began.get("began_on") or {"box": began["box"], "epoch": began["epoch"]}
        here = {"box": self._keys.box, "epoch": plan.by_epoch, "began_on": first}
        about = {"kind": "adopted", "assignment": {**began, **here}}
        name = self._vault.put(record_id, about)
        replay.on_adopted(name, about)
        draft = self._place(plan, replay)
        with self._db.transaction() as connection:
            replay.insert(connection)
        return draft

    def _is_here(self, record_id: str) -> bool:
        """Whether this box has the record already. What it once handed over comes back, and is forgotten."""
        with self._db.transaction() as connection:
            if self.has(record_id):
                return True
            for table in ("blob", "part", "step", "attempt"):
                connection.execute(f"DELETE FROM {table} WHERE record_id = ?", (record_id,))  # noqa: S608 - ours
            connection.execute("DELETE FROM record WHERE id = ?", (record_id,))
        self._vault.destroy(record_id)
        return False

    def _place(self, plan: Plan, replay: Replay) -> AdoptedDraft:
        """Let it wait under a ticket: its own where that is free, a new one where it had none."""
        columns, record_id = replay.columns, replay.record_id
        if replay.state is S.COMPLETE:
            columns |= {"ticket": None, "waiting_reason": None, "waiting_until": None}
            return AdoptedDraft(record_id, replay.state, "")
        old = columns.get("ticket") or ""
        ticket = old if old and not self._taken(old) else self._waiting.free_ticket()
        stood_here = columns.get("waiting_until") is None
        reason = SWAPPED if stood_here else columns["waiting_reason"]
        until = stamp(plan.until) if stood_here else columns["waiting_until"]
        if stood_here or ticket != old:
            self._vault.put(record_id, {"kind": "ticket", "ticket": ticket, "reason": reason, "until": until})
            self._vault.mark(record_id, ticket)
        columns |= {"ticket": ticket, "waiting_reason": reason, "waiting_until": until}
        changed = old if old != ticket else ""
        return AdoptedDraft(record_id, replay.state, ticket, stood_here, changed)

    def _taken(self, ticket: str) -> bool:
        with self._db.reading() as connection:
            found = connection.execute("SELECT 1 FROM record WHERE ticket = ?", (ticket,)).fetchone()
        return found is not None

    def _lost(self, record_id: str, why: Exception) -> str:
        ticket = self._vault.ticket(record_id)
        under = f"ticket {ticket[:4]} {ticket[4:]}" if ticket else "no ticket was given"
        self._vault.set_aside(record_id)
        return f"draft {record_id} ({under}): {type(why).__name__}"


def _spoilt(plan: Plan, heads: Sequence[Head]) -> list[str]:
    """In the words of `plan.lost`."""
    whose = ("" if head.box == plan.box else f"{head.box}: " for head in heads)
    return [
        f"{box}sealed record {head.sequence}: its file is damaged"
        for box, head in zip(whose, heads, strict=True)
    ]


def _answer(
    plan: Plan, before: Adopted | None, records: int, drafts: tuple[AdoptedDraft, ...], lost: tuple[str, ...]
) -> Adopted:
    """What is here now, with what an earlier adoption of the same place had brought."""
    counted = before.blanks_counted if before else 0
    return Adopted(
        box=plan.box,
        epoch=plan.epoch,
        closed_at=plan.closed_at,
        known_by=plan.known_by,
        records=records + (before.records if before else 0),
        drafts=(*(before.drafts if before else ()), *drafts),
        lost=lost,
        blanks_stated=plan.blanks_stated,
        blanks_counted=counted or plan.blanks_counted,
    )
