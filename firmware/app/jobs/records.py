"""Consent, confirmation, freezing, sealing, tickets and the end of a record, on the store's thread."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from firmware.app.desk import Desk
from firmware.app.jobs.card_image import card_image
from firmware.app.jobs.reopen import REGISTRY_PART, damaged, reopened
from firmware.app.signer import why_not
from firmware.app.visit import Learned, Visit
from firmware.document.errors import DataGroupError, DocumentError, MrzError
from firmware.records.errors import StoreDamaged
from firmware.records.format.calendar import due_day
from firmware.records.format.check import parse_day, parse_moment
from firmware.records.format.errors import FormatError, SchemaRefused
from firmware.records.format.rules import expiry, local_day
from firmware.records.journal import Journal
from firmware.records.states import RecordState
from statemachine import events as ev
from statemachine.session import Outcome

CONSENT_TEXT = "2024-07.1"
RECEIPT_SIGNS = 8
CONTENT = {"mrz_name": "name_refused", "dg2": "portrait_refused"}
"""What cannot go onto a card and has a text of its own; `mrz_`: in which field of the zone."""
SAME_PERSON = timedelta(minutes=2)
"""After a power cut as short as this the same person is taken to stand there still."""
WAITS = (RecordState.DRAFT, RecordState.FROZEN, RecordState.ISSUING)


def keep_consent(desk: Desk, visit: Visit, language: str, eid: bool) -> Callable[[Journal], Learned]:
    def keep(journal: Journal) -> Learned:
        record_id, at, fingers = visit.record, desk.stamp(), desk.pack.fingers
        consent = {"given": True, "text_version": CONSENT_TEXT, "at": at, "language": language}
        journal.accept(record_id, "consent", consent)
        journal.accept(record_id, "eid_request", {"wanted": eid, "at": at})
        return Learned(ev.Agreed(eid, fingers.order, fingers.attempts), {"eid": eid})

    return keep


def keep_wrong(visit: Visit, field: str) -> Callable[[Journal], Learned]:
    """Remember which field the citizen marked as wrong."""

    def keep(journal: Journal) -> Learned:
        wrong = visit.wrong | {field}
        journal.accept(visit.record, "work/wrong", sorted(wrong))
        return Learned(ev.FieldWrong(field), {"wrong": wrong})

    return keep


def freeze(desk: Desk, visit: Visit) -> Callable[[Journal], Learned]:
    """Fix the content: the subject as confirmed, and the whole card image.

    What no card or no record can carry is for an officer; the draft stays as it is.
    """

    def fix(journal: Journal) -> Learned:
        record_id = visit.record
        try:
            if journal.state(record_id) is RecordState.DRAFT:
                _fix(desk, visit, journal, record_id)
            if not journal.draft(record_id).issued_here:
                return _complete_without_card(desk, journal, record_id)
        except MrzError as exc:
            return _content_refused(journal, record_id, f"mrz_{exc.field}")
        except DataGroupError as exc:
            return _content_refused(journal, record_id, exc.name.lower())
        except (DocumentError, SchemaRefused):
            return _content_refused(journal, record_id, "content")
        reason = why_not(desk, journal, record_id)
        return Learned(ev.RecordFrozen(not reason, reason))

    return fix


def _fix(desk: Desk, visit: Visit, journal: Journal, record_id: str) -> None:
    draft = journal.draft(record_id)
    subject = card_subject(desk, visit)
    journal.accept(record_id, "subject", _stated(visit, subject))
    old_card = draft.parts.get(REGISTRY_PART, {}).get("old_card") or {"read": "none"}
    journal.accept(record_id, "old_card", old_card)
    image = card_image(desk, journal, record_id, subject) if desk.config.chip.issues_here else None
    journal.freeze(record_id, image.to_bytes() if image else None)


def _complete_without_card(desk: Desk, journal: Journal, record_id: str) -> Learned:
    """The card is made elsewhere: the citizen is told by which day the law wants it ready."""
    journal.complete_without_card(record_id)
    due = due_day(local_day(desk.now()), desk.pack.due_working_days)
    return Learned(ev.RecordFrozen(issue=False, complete=True), {"card_due": f"{due:%d/%m/%Y}"})


def _content_refused(journal: Journal, record_id: str, what: str) -> Learned:
    """Say what stands in the way: a name, a picture, or anything else."""
    journal.audit.append("kiosk", "content_refused", record_id, {"what": what})
    return Learned(ev.StepFailed(CONTENT.get(what, "content_refused")))


def card_subject(desk: Desk, visit: Visit) -> dict[str, str]:
    """The fields of the new card: the registry's, with the dates of this issue (Law 26/2023 art. 21)."""
    today = local_day(desk.now())
    born = parse_day(visit.subject["birth_date"]) or today
    ends = expiry(desk.pack, born, today)
    dates = {"issue_date": today.isoformat(), "expiry_date": ends.isoformat() if ends else ""}
    return {**visit.subject, "number": visit.number, **dates}


def _stated(visit: Visit, subject: dict[str, str]) -> dict[str, Any]:
    return {
        name: {
            "value": value,
            "source": "officer" if name in ("issue_date", "expiry_date") else "registry",
            "previous": visit.subject.get(name) if value != visit.subject.get(name) else None,
            "seen": True,
            "confirmed": name not in visit.wrong,
        }
        for name, value in subject.items()
    }


def seal(visit: Visit) -> Callable[[Journal], Learned]:
    """Seal the finished record; the receipt's short code is the head of the sealed file's name."""

    def close(journal: Journal) -> Learned:
        record_id = visit.record
        known = {"receipt": receipt_code(record_id)}
        if journal.state(record_id) is RecordState.COMPLETE and not _sealed(journal, record_id):
            return Learned(ev.SealPutOff("seal_refused"), known)
        return Learned(ev.Sealed(), known)

    return close


def _sealed(journal: Journal, record_id: str) -> bool:
    """Seal, or write down that it cannot be: the box's certificate has ended, or a file is damaged."""
    try:
        journal.seal(record_id)
    except (FormatError, StoreDamaged) as exc:
        journal.audit.append("kiosk", "seal_refused", record_id, {"error": type(exc).__name__})
        journal.leave(record_id)
        return False
    return True


def recover(desk: Desk, visit: Visit, greeting: bool) -> Callable[[Journal], Learned | None]:
    """After a start: seal what is complete, end what has run out, go on where the box stopped.

    Where somebody else is being served by now (not `greeting`), the open record waits under a ticket.
    """

    def go_on(journal: Journal) -> Learned | None:
        for record_id in journal.unsealed():
            if not greeting or record_id != journal.open_record():  # that one's citizen waits for a receipt
                _sealed(journal, record_id)
        if desk.distrust is None:
            journal.expire()
        waiting = journal.open_record()
        if waiting is None or waiting == visit.record_id:
            return None
        try:
            if greeting and not _hardly_begun(journal, waiting):
                return reopened(desk, journal, waiting, prove_again=_was_long_ago(desk, journal, waiting))
            put_aside(desk, waiting)(journal)
        except StoreDamaged:
            return damaged(desk, journal)
        return None

    return go_on


def _was_long_ago(desk: Desk, journal: Journal, record_id: str) -> bool:
    """Whether somebody else may stand there by now: then the record is shown to nobody unproven."""
    if journal.state(record_id) is RecordState.COMPLETE:
        return False
    steps = journal.steps(record_id)
    last = parse_moment(steps[-1]["at"]) if steps else None
    return last is None or desk.now() - last > SAME_PERSON


def put_aside(desk: Desk, record_id: str) -> Callable[[Journal], None]:
    """A record that is open while nobody is at it would be in everybody's way.

    It waits under its ticket; one whose person was not even proven ends.
    """

    def wait(journal: Journal) -> None:
        if journal.open_record() != record_id or journal.state(record_id) not in WAITS:
            return
        if _hardly_begun(journal, record_id):
            journal.abandon(record_id, "interrupted")
        else:
            journal.wait(record_id, "interrupted", desk.now() + timedelta(days=desk.pack.waiting_days))

    return wait


def _hardly_begun(journal: Journal, record_id: str) -> bool:
    return journal.state(record_id) is RecordState.DRAFT and "proof" not in journal.draft(record_id).parts


def receipt_code(record_id: str) -> str:
    """Eight signs that the citizen can copy by hand, from the record's id: `ABCD-EFGH`."""
    signs = base64.b32encode(bytes.fromhex(record_id.replace("-", "")))[:RECEIPT_SIGNS].decode()
    return f"{signs[:4]}-{signs[4:]}"


def make_ticket(desk: Desk, visit: Visit, reason: str) -> Callable[[Journal], Learned]:
    """Put the record aside; one whose card was finished meanwhile needs a receipt, not a ticket."""

    def wait(journal: Journal) -> Learned:
        if journal.state(visit.record) is RecordState.COMPLETE:
            return Learned(ev.ChipLocked())
        until = desk.now() + timedelta(days=desk.pack.waiting_days)
        ticket = journal.wait(visit.record, reason, until)
        return Learned(ev.TicketMade(), {"ticket": ticket, "ticket_until": _day(local_day(until))})

    return wait


def end(desk: Desk, visit: Visit, outcome: Outcome, officer: str) -> Callable[[Journal], None]:
    """Close the record as the visit ended; one that cannot end waits, one that waits or is complete stays."""

    def close(journal: Journal) -> None:
        if visit.record_id is None:
            return
        state = journal.state(visit.record_id)
        if state not in (RecordState.DRAFT, RecordState.FROZEN):
            put_aside(desk, visit.record_id)(journal)
        elif outcome is Outcome.ABANDONED:
            journal.abandon(visit.record_id, "left")
        elif outcome is Outcome.REFUSED:
            journal.refuse(visit.record_id, "refused", officer or "citizen")

    return close


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")
