"""What an officer does about a record, on the store's thread: it stands in the record in their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware.app.desk import Desk
from firmware.app.jobs.identify import keep_proof
from firmware.app.visit import Learned, Visit
from firmware.records.journal import Journal
from statemachine import events as ev


def attest(desk: Desk, visit: Visit, officer: str) -> Callable[[Journal], Learned]:
    """The officer vouches for the person; it is the record's proof, with their name."""

    def keep(journal: Journal) -> Learned:
        keep_proof(journal, visit.record, {"method": "officer", "at": desk.stamp(), "officer": officer})
        journal.audit.append(officer, "attested", visit.record_id)
        return Learned(ev.Attested())

    return keep


def note_corrections(desk: Desk, visit: Visit, officer: str) -> Callable[[Journal], Learned]:
    """What the citizen marked as wrong goes into the record as a correction case, in the officer's name."""

    def keep(journal: Journal) -> Learned:
        at = desk.stamp()
        noted = [{"field": field, "officer": officer, "at": at} for field in sorted(visit.wrong)]
        journal.accept(visit.record, "corrections", noted)
        journal.audit.append(officer, "correction", visit.record_id, {"fields": sorted(visit.wrong)})
        return Learned(ev.CorrectionNoted())

    return keep


def approve_portrait(visit: Visit, officer: str) -> Callable[[Journal], Learned]:
    """The officer takes the portrait with its flags; the record says who."""

    def keep(journal: Journal) -> Learned:
        record_id = visit.record
        part = journal.draft(record_id).parts["portrait"]
        names = (part[kind] for kind in ("image", "jpeg") if kind in part)
        files = {name: journal.blob(record_id, name) for name in names}
        journal.accept(record_id, "portrait", {**part, "approved_by": officer}, files)
        journal.audit.append(officer, "portrait_approved", record_id)
        return Learned(ev.PortraitApproved())

    return keep


def void_card(visit: Visit, officers: tuple[str, ...]) -> Callable[[Journal], Learned]:
    """Two officers give the present attempt up; if it was ISSUING, its SOD goes onto the void list."""

    def void(journal: Journal) -> Learned:
        record_id = visit.record
        journal.lost(record_id, journal.attempt(record_id).number, officers)
        return Learned(ev.CardVoided())

    return void


def audited(
    visit: Visit, officer: str, act: str, event: ev.Event, **detail: Any
) -> Callable[[Journal], Learned]:
    """Write an officer's act down, then let the flow hear of it."""

    def keep(journal: Journal) -> Learned:
        journal.audit.append(officer, act, visit.record_id, detail or None)
        return Learned(event)

    return keep
