"""A record that waits, or that a power cut interrupted, is opened again where it stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from firmware.app.desk import Desk
from firmware.app.visit import Learned
from firmware.quality.best import decide
from firmware.quality.match import finger_to_prove
from firmware.records.drafts import Draft
from firmware.records.errors import StoreDamaged, TicketRefused
from firmware.records.format.check import parse_day
from firmware.records.format.rules import age_on, local_day
from firmware.records.journal import Journal
from firmware.records.states import RecordState
from statemachine import events as ev
from statemachine.flow import RESUMABLE
from statemachine.session import FINGERS
from statemachine.states import CHIP, Held, S

REGISTRY_PART = "work/registry"
"""What the registry said of the person: a part of the draft that no record takes along."""
HELD = {
    RecordState.DRAFT: Held.DRAFT,
    RecordState.FROZEN: Held.FROZEN,
    RecordState.ISSUING: Held.ISSUING,
    RecordState.COMPLETE: Held.COMPLETE,
}


def resume_ticket(desk: Desk, code: str) -> Callable[[Journal], Learned]:
    """Open the record that waits under a ticket."""

    def resume(journal: Journal) -> Learned:
        try:
            return reopened(desk, journal, journal.resume(code), prove_again=True)
        except TicketRefused as exc:
            return Learned(ev.Unreadable(str(exc)))
        except StoreDamaged:
            return damaged(desk, journal)

    return resume


def resume_number(desk: Desk, journal: Journal, number: str) -> Learned | None:
    """Open the record that waits here for a person who has no ticket; None where there is none.

    The ticket is lost, or the power went before it was read. It is no proof of who somebody is and neither
    is a number: both ways lead to PROVE. A damaged record stays aside and stands in nobody's way.
    """
    for record_id, ticket in journal.waiting():
        if _is_of(journal, record_id, number):
            learned = resume_ticket(desk, ticket)(journal)
            if isinstance(learned.event, ev.Resumed):
                return learned
    return None


def _is_of(journal: Journal, record_id: str, number: str) -> bool:
    try:
        registry = journal.part(record_id, REGISTRY_PART) or {}
    except StoreDamaged:
        return False
    return bool(registry.get("known")) and registry.get("number") == number


def damaged(desk: Desk, journal: Journal) -> Learned:
    """A record whose files are not what was written is put aside for who can look into it.

    It waits under its ticket; one whose card is made already stays complete and not sealed.
    """
    if (record_id := journal.open_record()) is not None:
        if journal.state(record_id) is RecordState.COMPLETE:
            journal.leave(record_id)
        else:
            journal.wait(record_id, "damaged", desk.now() + timedelta(days=desk.pack.waiting_days))
        journal.audit.append("kiosk", "record_damaged", record_id)
    return Learned(ev.StepFailed("record_damaged"))


def reopened(desk: Desk, journal: Journal, record_id: str, prove_again: bool) -> Learned:
    """Tell the flow where a record stands, from what is on the disk."""
    draft = journal.draft(record_id)
    registry = draft.parts.get(REGISTRY_PART, {})
    left = fingers_left(desk, draft.parts)
    minor = is_minor(desk, parse_day(registry.get("fields", {}).get("birth_date")))
    templates = {p: bytes.fromhex(t) for p, t in registry.get("templates", {}).items()}
    at_stake = draft.state is RecordState.ISSUING and journal.attempt(record_id).issuing
    event = ev.Resumed(
        HELD[draft.state],
        _step(desk, draft, left, at_stake),
        left,
        prove_again,
        minor,
        known=bool(registry.get("known")),
        can_prove=bool(templates) and desk.scorer is not None,
        at_stake=at_stake,
        attempts=desk.pack.fingers.attempts,
    )
    excepted = tuple(name for name in FINGERS if _excepted(draft.parts, name))
    taken = {name: draft.parts.get(f"finger/{name}", {}).get("template") for name in FINGERS}
    return Learned(
        event,
        {
            "record_id": record_id,
            "case": draft.case,
            "subject": registry.get("fields", {}),
            "number": registry.get("number", ""),
            "templates": templates,
            "prove_with": finger_to_prove(templates, desk.pack.fingers.alternatives),
            "impressions": {name: journal.blob(record_id, file) for name, file in taken.items() if file},
            "eid": draft.parts.get("eid_request", {}).get("wanted", False),
            "fingers_done": tuple(name for name in FINGERS if name not in (*left, *excepted)),
            "fingers_excepted": excepted,
            "wrong": frozenset(draft.parts.get("work/wrong", [])),
            "portrait": journal.blob(record_id, "portrait.jp2") if "portrait" in draft.parts else b"",
        },
    )


def _step(desk: Desk, draft: Draft, left: tuple[str, ...], at_stake: bool) -> S:
    """Where the visit goes on: the step that was noted, or the next one where its work was kept already."""
    step = S(draft.step) if draft.step in RESUMABLE else S.PROVE
    if draft.state is RecordState.ISSUING:
        return (step if step in CHIP else S.WRITE_CHIP) if at_stake else S.PLACE_CARD
    if draft.state is RecordState.FROZEN:
        return S.PLACE_CARD if draft.issued_here and desk.distrust is None else S.CONFIRM
    if draft.state is RecordState.COMPLETE:
        return S.RECEIPT
    if step is S.FINGERS and not left:
        step = S.PORTRAIT
    portrait = draft.parts.get("portrait")
    if step is S.PORTRAIT and portrait and ("approved_by" in portrait or not portrait.get("flags")):
        step = S.CONFIRM
    return step


def fingers_left(desk: Desk, parts: Any) -> tuple[str, ...]:
    """The fingers that have neither a settled sample nor an exception."""
    from firmware.app.jobs.fingers import scores_of

    left = []
    for finger in desk.pack.fingers.order:
        part = parts.get(f"finger/{finger}")
        settled = part is not None and (
            _excepted(parts, finger) or decide(finger, scores_of(part), desk.finger_rules).settled
        )
        if not settled:
            left.append(finger)
    return tuple(left)


def _excepted(parts: Any, finger: str) -> bool:
    return parts.get(f"finger/{finger}", {}).get("exception") is not None


def is_minor(desk: Desk, born: date | None) -> bool:
    """Whether a guardian must stand by."""
    return born is not None and age_on(born, local_day(desk.now())) < desk.pack.guardian_below
