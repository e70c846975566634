"""IDENTIFY and LOOKUP: which number, and whose it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from drivers.worker import Stop
from firmware.app.desk import Desk
from firmware.app.jobs.reopen import REGISTRY_PART, is_minor, resume_number, resume_ticket
from firmware.app.visit import TICKET_QR, Learned, Seen, Visit
from firmware.quality.match import finger_to_prove
from firmware.quality.qr import QrError, read_old_card_qr, read_qr
from firmware.records.clock import stamp
from firmware.records.format import number as personal_number
from firmware.records.format.check import parse_day
from firmware.records.format.number import NumberProblem
from firmware.records.format.rules import age_on, case_with_card, local_day
from firmware.records.journal import Journal
from firmware.records.states import RecordState
from firmware.uplink.errors import CentreRefused, CentreUnreachable, CentreWrong, PersonUnknown
from firmware.uplink.registry import Person, Registry
from statemachine import events as ev
from statemachine.states import S

if TYPE_CHECKING:
    from drivers.api import Camera

FRAME_S = 1.5
ADULT = 18
"""Who may stand in as a guardian (Civil Code 2015, art. 20)."""
SEXES = ("M", "F")


def scan_qr(desk: Desk, entry: int) -> Callable[[Camera, Stop], Learned | None]:
    """Watch the camera until it sees a QR code; an old card's names the person."""

    def scan(camera: Camera, stop: Stop) -> Learned | None:
        while not stop:
            frame = camera.preview(FRAME_S)
            desk.show(Seen(entry, frame.bgr))
            text = read_qr(frame.bgr)
            if text is not None:
                return _named(desk, text)
        return None

    return scan


def _named(desk: Desk, text: str) -> Learned:
    """What a QR code says: an old card's, or a ticket's of ours."""
    if text.startswith(TICKET_QR):
        return desk.store.call(resume_ticket(desk, text.removeprefix(TICKET_QR)))
    try:
        card = read_old_card_qr(text)
        check_number(desk, card.number, parse_day(card.birth_date), card.sex)
    except QrError as exc:
        return Learned(ev.Unreadable(exc.reason.value))
    except NumberProblem as exc:
        return Learned(ev.Unreadable(f"number_{exc.reason}"))
    says = {"full_name": card.full_name, "birth_date": card.birth_date, "sex": card.sex}
    known = {"number": card.number, "card_says": says, "old_card": {"read": "QR"}}
    return Learned(ev.Identified("qr"), known)


def typed_number(desk: Desk, digits: str) -> Learned:
    """Judge a typed number by itself: its province, its century, its year."""
    try:
        check_number(desk, digits)
    except NumberProblem as exc:
        return Learned(ev.Unreadable(f"number_{exc.reason}"))
    return Learned(ev.Identified("number"), {"number": digits})


def check_number(desk: Desk, number: str, born: date | None = None, sex: str | None = None) -> None:
    """Raise NumberProblem unless somebody who is born by now can have this number."""
    personal_number.check(number, born, sex)
    today = local_day(desk.now())
    year = personal_number.birth_year(number)
    if year // 100 > today.year // 100:
        raise NumberProblem("sex")
    if year > today.year or (born is not None and born > today):
        raise NumberProblem("year")


def keep_proof(journal: Journal, record_id: str, proof: Mapping[str, Any]) -> None:
    """The record's proof. One that is frozen keeps the proof it has, and the audit log this one."""
    if journal.state(record_id) is RecordState.DRAFT:
        journal.accept(record_id, "proof", proof)
    else:
        journal.audit.append("kiosk", "proven_again", record_id, {"method": proof["method"]})


def look_up(desk: Desk, visit: Visit) -> Callable[[Registry, Stop], Learned | None]:
    """Ask the registry and open the record that waits here for the person, else a new draft.

    A person unknown to the registry has a draft too, for the officer. An answer that comes when nobody waits
    for it any more opens none.
    """

    def ask(registry: Registry, stop: Stop) -> Learned | None:
        event: ev.Event
        person: Person | None = None
        try:
            person = registry.lookup(visit.number)
            event = _found(desk, visit, person)
        except PersonUnknown:
            event = ev.PersonUnknown("person_unknown")
        except CentreWrong:
            event = ev.PersonUnknown("registry_wrong")
        except (CentreUnreachable, CentreRefused, OSError):  # OSError: of the extract on this disk
            event = ev.RegistryAway()
        return desk.store.call(lambda journal: None if stop else _opened(desk, journal, visit, person, event))

    return ask


def see_guardian(
    desk: Desk, visit: Visit, officer: str, number: str
) -> Callable[[Registry, Stop], Learned | None]:
    """Look the guardian up by number and write them into the record, in the officer's name."""

    def ask(registry: Registry, _: Stop) -> Learned:
        try:
            check_number(desk, number)
            person = registry.lookup(number)
        except (NumberProblem, PersonUnknown):
            return Learned(ev.ActRefused("guardian_unknown"))
        except (CentreWrong, CentreUnreachable, CentreRefused, OSError):
            return Learned(ev.ActRefused("registry_away"))
        born = parse_day(person.fields.get("birth_date"))
        if number == visit.number or born is None or age_on(born, local_day(desk.now())) < ADULT:
            return Learned(ev.ActRefused("guardian_minor"))
        return desk.store.call(lambda journal: _keep_guardian(desk, journal, visit, officer, person))

    return ask


def _keep_guardian(desk: Desk, journal: Journal, visit: Visit, officer: str, person: Person) -> Learned:
    guardian = {
        "full_name": person.fields.get("full_name", ""),
        "number": person.number,
        "relation": "guardian",
        "officer": officer,
        "at": desk.stamp(),
    }
    journal.accept(visit.record, "guardian", guardian)
    journal.audit.append(officer, "guardian_seen", visit.record)
    return Learned(ev.GuardianPresent())


def _found(desk: Desk, visit: Visit, person: Person) -> ev.Event:
    """PersonFound, unless the registry contradicts itself, the number or the old card."""
    born = parse_day(person.fields.get("birth_date"))
    if born is None or not person.fields.get("full_name") or person.fields.get("sex") not in SEXES:
        return ev.PersonUnknown("registry_wrong")
    try:
        personal_number.check(person.number, born, person.fields.get("sex"))
    except NumberProblem:
        return ev.PersonUnknown("registry_wrong")
    if any(_plain(person.fields.get(name, "")) != _plain(said) for name, said in visit.card_says.items()):
        return ev.PersonUnknown("card_differs")
    if age_on(born, local_day(desk.now())) < desk.pack.from_age:
        return ev.PersonUnknown("too_young")
    minor = is_minor(desk, born)
    provable = bool(person.fingers) and desk.scorer is not None
    return ev.PersonFound(str(person.source), minor, provable)


def _plain(text: str) -> str:
    """A text as two registers may both write it: upper case or not, letters composed or not."""
    return unicodedata.normalize("NFC", " ".join(text.split())).casefold()


def _case(desk: Desk, fields: Mapping[str, str]) -> str:
    """A first card, or what follows the one that the registry has."""
    if not fields.get("issue_date"):
        return "first_issue"
    return case_with_card(desk.pack, parse_day(fields.get("birth_date")), local_day(desk.now()))


def _opened(desk: Desk, journal: Journal, visit: Visit, person: Person | None, event: ev.Event) -> Learned:
    """The record that waits for this person, or a new one."""
    waiting = None
    if visit.record_id is None and isinstance(event, (ev.PersonFound, ev.RegistryAway)):
        waiting = resume_number(desk, journal, visit.number)
    return waiting or _begun(desk, journal, visit, person, event)


def _begun(desk: Desk, journal: Journal, visit: Visit, person: Person | None, event: ev.Event) -> Learned:
    fields = dict(person.fields) if person else {}
    case = _case(desk, fields)
    record_id = visit.record_id or journal.begin(case, desk.pack.name, desk.assignment(journal))
    templates = dict(person.fingers) if person else {}
    kept = {
        "number": visit.number,
        "fields": fields,
        "known": isinstance(event, ev.PersonFound),
        "old_card": dict(visit.old_card),
        "source": str(person.source) if person else "",
        "templates": {position: template.hex() for position, template in templates.items()},
    }
    journal.accept(record_id, REGISTRY_PART, kept)
    if person is not None:
        journal.accept(record_id, "registry", {"source": str(person.source), "as_of": stamp(person.as_of)})
    journal.step(record_id, S.LOOKUP)
    known = {"record_id": record_id, "case": case, "subject": fields, "templates": templates}
    known["prove_with"] = finger_to_prove(templates, desk.pack.fingers.alternatives)
    return Learned(event, known)
