"""(state, session, visit, form) → the screen. Pure: words and pixels are ui_fb's, decisions the flow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from firmware.app.visit import TICKET_QR, Visit
from firmware.quality import GOOD_FRAMES
from statemachine.guards import DEVICE_OF_WAY, REQUIRED, TRIES, may_return
from statemachine.session import FINGERS, Session
from statemachine.states import CHIP, Device, S
from ui_fb import screens as ui
from ui_fb.screen import Screen
from ui_fb.screens.attend import REASONS as HELP_REASONS
from ui_fb.screens.identify import WAYS

STEP_OF = {
    S.LANGUAGE: 1, S.IDENTIFY: 1, S.LOOKUP: 1, S.PROVE: 2, S.REVIEW: 3, S.CONSENT: 4, S.FINGERS: 5,
    S.PORTRAIT: 6, S.CONFIRM: 7, S.PLACE_CARD: 8, S.WRITE_CHIP: 8, S.VERIFY_CHIP: 8, S.LOCK_CHIP: 8,
    S.HOLD_STILL: 8, S.RECEIPT: 9,
}  # fmt: skip
STEPS = max(STEP_OF.values())
TICKET_DIGITS = 8
REVIEWED = (
    "full_name", "number", "birth_date", "sex", "nationality", "ethnicity", "religion", "place_of_origin",
    "residence", "identifying_marks", "father_name", "mother_name", "spouse_name", "old_number",
)  # fmt: skip
DATES = ("birth_date", "issue_date", "expiry_date")
SEXES = {"vi": {"M": "Nam", "F": "Nữ"}, "en": {"M": "Male", "F": "Female"}}
DEVICES = {Device.FINGER: "fingerprint", Device.BADGE: "chip"}
PROBLEM_OF_NUMBER = {
    "number_length": "short", "number_place": "province", "number_sex": "century", "number_year": "date",
}  # fmt: skip
PROBLEM_OF_QR = {
    "not_a_card_qr": "not_one", "too_long": "too_long", "bad_number": "number", "bad_name": "damaged",
    "bad_date": "damaged", "bad_sex": "damaged", "bad_address": "damaged", "number_length": "number",
    "number_place": "number", "number_sex": "number", "number_year": "number",
    "ticket_malformed": "ticket_unknown", "ticket_unknown": "ticket_unknown",
    "ticket_expired": "ticket_expired",
}  # fmt: skip
PROBLEM_OF_TICKET = {
    "ticket_malformed": "mistyped", "ticket_unknown": "unknown", "ticket_expired": "expired",
}  # fmt: skip
PROBLEM_OF_CHIP = {
    "can_wrong": "can_wrong", "chip_foreign": "foreign", "chip_unreadable": "unreadable",
    "hold_card_still": "unreadable", "place_card": "unreadable", "chip_not_genuine": "not_genuine",
    "number_length": "unreadable", "number_place": "unreadable", "number_sex": "unreadable",
    "number_year": "unreadable",
}  # fmt: skip
PROBLEM_OF_GUARDIAN = {
    "guardian_unknown": "unknown", "guardian_minor": "minor", "registry_away": "away",
}  # fmt: skip
PROBLEM_OF_PIN = {"pin_wrong": "wrong_pin", "role_refused": "not_allowed", "four_eyes": "same"}
PAUSED_BECAUSE = {
    "signer_away": "signer", "no_issue": "rules", "clock": "clock", "officer": "officer",
    "lost_finger": "device",
}  # fmt: skip
HELP_BECAUSE = {
    **dict.fromkeys((*PROBLEM_OF_QR, *PROBLEM_OF_NUMBER, *PROBLEM_OF_TICKET, *PROBLEM_OF_CHIP), "unreadable"),
    **dict.fromkeys(("guardian_needed", "too_young"), "guardian"),
    "record_damaged": "step_failed",
    **dict.fromkeys(("no_template", "no_scorer", "officer_needed", "finger_unclear"), "no_proof"),
    **dict.fromkeys(("foreign", "card_foreign", "card_locked", "again"), "card_wrong"),
    **dict.fromkeys(("hold_card_still", "place_card"), "card_moved"),
    **dict.fromkeys(("attempt_open", "open_elsewhere", "attempt_void"), "already_issued"),
    **{reason: reason for reason in HELP_REASONS},
}
"""A session's reason → why an officer is called; other reasons of the centre are `signer_refused`."""
WITHOUT_REASON = ("asked", None)
ACTS_AT: Mapping[S, tuple[str, ...]] = {
    S.LOOKUP: ("guardian", "attest"),
    S.PROVE: ("attest",),
    S.REVIEW: ("correct",),
    S.FINGERS: ("except",),
    S.PORTRAIT: ("approve",),
    S.PLACE_CARD: ("void",),
    S.WRITE_CHIP: ("void",),
    S.VERIFY_CHIP: ("void",),
    S.LOCK_CHIP: ("void",),
}


@dataclass(frozen=True, slots=True)
class Form:
    """What a screen holds that the flow need not know; empty again at each entry of a state.

    `stage` is a sub-screen (eid; badge; second; finger, except, sure), `picked` what was chosen on it.
    """

    digits: str = ""
    page: int = 1
    stage: str = ""
    picked: str = ""
    hint: str = ""
    good: int = 0
    score: int | None = None
    estimate: bool = True
    lift: bool = False
    fraction: float = 0.0
    seconds_left: int = 0
    rows: tuple[ui.Check, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """All that a screen is made from; `status` are the fields of the team's screen."""

    state: S
    session: Session
    visit: Visit
    form: Form
    simulated: bool
    status: Mapping[str, Any]


def present(view: View) -> Screen:
    """The screen for where the flow is."""
    common = {
        "language": view.session.language,
        "simulated": view.simulated,
        "step": STEP_OF.get(view.state, 0),
        "steps": STEPS if view.state in STEP_OF else 0,
    }
    return SCREEN_OF[view.state](view, common)


def review_pages(view: View) -> tuple[tuple[ui.FieldRow, ...], ...]:
    """The fields to check, as a person reads them, in pages."""
    fields = {**view.visit.subject, "number": view.visit.number}
    rows = [
        ui.FieldRow(key, readable(key, fields[key], view.session.language), key in view.visit.wrong)
        for key in REVIEWED
        if fields.get(key)
    ]
    return ui.pages_of(rows)


def readable(key: str, value: str, language: str) -> str:
    """A field as it is read aloud: dates day first, the sex in words, the number in groups of three."""
    if key in DATES:
        return date.fromisoformat(value).strftime("%d/%m/%Y")
    if key == "sex":
        return SEXES.get(language, SEXES["vi"]).get(value, value)
    if key == "number":
        return " ".join(value[n : n + 3] for n in range(0, len(value), 3))
    return value


def finger_marks(view: View) -> tuple[str, ...]:
    """todo, now, done or excepted for each of the ten fingers."""
    now = view.session.fingers[0] if view.session.fingers else ""

    def mark(finger: str) -> str:
        if finger in view.visit.fingers_excepted:
            return "excepted"
        if finger == now and view.state is S.FINGERS:
            return "now"
        return "todo" if finger in view.session.fingers else "done"

    return tuple(mark(finger) for finger in FINGERS)


def acts(view: View) -> tuple[str, ...]:
    """What an officer may do at the step the visit is at."""
    here = ACTS_AT.get(view.session.step, ())
    if view.session.step is S.FINGERS and view.visit.doubted is not None:
        here = ("accept", *here)
    if view.session.step in (S.LOOKUP, S.PROVE) and view.session.minor and not view.session.guardian:
        here = ("guardian",)
    return (*here, "pause", "refuse")


# --- one small function a state ------------------------------------------------------------------------


def _identify(view: View, common: Any) -> Screen:
    reason, digits = view.session.reason or "", view.form.digits
    match view.session.way:
        case "qr":
            return ui.ScanQr(problem=PROBLEM_OF_QR.get(reason, ""), **common)
        case "number":
            problem = PROBLEM_OF_NUMBER.get(reason, "")
            return ui.EnterNumber(digits=digits, problem="" if digits else problem, **common)
        case "ticket":
            problem = PROBLEM_OF_TICKET.get(reason, "")
            problem = "" if digits else problem
            return ui.EnterTicket(digits=digits, length=TICKET_DIGITS, problem=problem, **common)
        case "chip" if view.form.stage == "lay":
            return ui.OldChip(fraction=view.form.fraction or None, **common)
        case "chip":
            problem = PROBLEM_OF_CHIP.get(reason, "")
            return ui.EnterCan(digits=digits, problem="" if digits else problem, **common)
    ways = tuple(way for way in WAYS if DEVICE_OF_WAY.get(way) not in view.session.lost)
    return ui.Identify(ways=ways, **common)


def _prove(view: View, common: Any) -> Screen:
    hint = view.form.hint or ("no_match" if view.session.reason else "")
    return ui.Prove(
        finger=view.visit.prove_with or FINGERS[1],
        hint=hint,
        attempts_left=max(1, TRIES - view.session.tries),
        lift=view.form.lift,
        **common,
    )


def _review(view: View, common: Any) -> Screen:
    pages = review_pages(view)
    page = min(view.form.page, len(pages))
    return ui.Review(rows=pages[page - 1], page=page, pages=len(pages), **common)


def _consent(view: View, common: Any) -> Screen:
    return ui.EidRequest(**common) if view.form.stage == "eid" else ui.Consent(**common)


def _fingers(view: View, common: Any) -> Screen:
    return ui.Fingers(
        marks=finger_marks(view),
        now=view.session.fingers[0],
        hint=view.form.hint or view.session.reason or "",
        score=view.form.score,
        estimate=view.form.estimate,
        attempt=min(view.session.tries + 1, TRIES),
        attempts=TRIES,
        lift=view.form.lift,
        **common,
    )


def _portrait(view: View, common: Any) -> Screen:
    return ui.Portrait(
        hint=view.form.hint, good=min(view.form.good, GOOD_FRAMES), wanted=GOOD_FRAMES, **common
    )


def _confirm(view: View, common: Any) -> Screen:
    visit = view.visit
    return ui.Confirm(
        full_name=visit.subject.get("full_name", ""),
        number=readable("number", visit.number, view.session.language),
        good=len(visit.fingers_done),
        excepted=len(visit.fingers_excepted),
        corrections=len(visit.wrong),
        eid=visit.eid,
        **common,
    )


def _place_card(view: View, common: Any) -> Screen:
    reason = view.session.reason
    if reason not in ("card_foreign", "card_locked"):
        reason = "card_foreign" if reason in ("foreign", "again") else "place_card"
    return ui.PlaceCard(reason=reason, **common)


def _chip(kind: Callable[..., Screen]) -> Callable[[View, Any], Screen]:
    return lambda view, common: kind(fraction=view.form.fraction, **common)


def _receipt(view: View, common: Any) -> Screen:
    code = view.visit.receipt or "…"
    card = "card_due" if view.visit.card_due else "card_live"
    done = (card, "data_saved", *(("eid_requested",) if view.visit.eid else ()))
    if view.visit.wrong:
        done = (*done, "corrections_sent")
    qr = f"idkiosk:receipt:{code}"
    return ui.Receipt(code=code, qr=qr, done=done[:3], card_due=view.visit.card_due, **common)


def _paused(view: View, common: Any) -> Screen:
    ticket = view.visit.ticket or "…"
    reason = PAUSED_BECAUSE.get(view.session.reason or "", "person")
    return ui.Paused(
        ticket=ticket,
        qr=f"{TICKET_QR}{ticket}",
        valid_until=view.visit.ticket_until or "…",
        reason=reason,
        **common,
    )


def _officer(view: View, common: Any, purpose: str, stage: str) -> Screen:
    problem = PROBLEM_OF_PIN.get(view.session.reason or "", "")
    return ui.Officer(
        purpose=purpose,
        stage=stage,
        entered=len(view.form.digits),
        tries_left=view.visit.tries_left,
        problem="" if view.form.digits else problem,
        **common,
    )


def _help(view: View, common: Any) -> Screen:
    if view.form.stage == "badge":
        return _officer(view, common, "assist", "badge")
    alone = view.session.step is not S.LOOKUP and may_return(view.session, None)
    return ui.Help(retry=alone, reason=help_reason(view.session), **common)


def help_reason(session: Session) -> str:
    """Why an officer is called: a key of `ui.Help`, or "" where the person asked for one."""
    if session.reason in WITHOUT_REASON:
        return ""
    at_chip = session.step in CHIP
    return HELP_BECAUSE.get(session.reason or "", "signer_refused" if at_chip else "step_failed")


def _assisted(view: View, common: Any) -> Screen:
    match view.form.stage:
        case "finger":
            return ui.ChooseFinger(marks=finger_marks(view), **common)
        case "except":
            return ui.ExceptReason(finger=view.form.picked, **common)
        case "guardian":
            problem = PROBLEM_OF_GUARDIAN.get(view.session.reason or "", "")
            digits = view.form.digits
            return ui.EnterNumber(
                digits=digits, problem="" if digits else problem, whose="guardian", **common
            )
        case "sure":
            return ui.Sure(question=view.form.picked, **common)
        case "second" | "second_pin" as stage:
            return _officer(view, common, "second", "pin" if stage == "second_pin" else "badge")
    return ui.Assisted(acts=acts(view), officer=view.visit.officer_name, **_likeness(view), **common)


def _likeness(view: View) -> dict[str, Any]:
    """What the officer has to judge: the finger in doubt, what it is (or is not) like, and how much."""
    doubted = view.visit.doubted
    if doubted is None or view.session.step is not S.FINGERS:
        return {}
    finding = doubted.finding
    return {"doubt": finding.doubt, "like": finding.like, "similarity": finding.similarity}


def _out_of_order(view: View, common: Any) -> Screen:
    lost = min(view.session.lost & REQUIRED or view.session.lost, default=Device.STORE)
    device = DEVICES.get(lost, str(lost))
    code = view.session.reason if lost is Device.STORE and view.session.reason else str(lost)
    return ui.OutOfOrder(device=device, code=f"E-{code.upper().replace('_', '-')}", **common)


def _technician(view: View, common: Any) -> Screen:
    from ui_fb.screens.trouble import CHECKS_A_PAGE

    rows = view.form.rows
    pages = max(1, -(-len(rows) // CHECKS_A_PAGE))
    page = min(view.form.page, pages)
    shown = rows[(page - 1) * CHECKS_A_PAGE : page * CHECKS_A_PAGE]
    return ui.Technician(rows=shown, page=page, pages=pages, **common)


SCREEN_OF: Mapping[S, Callable[[View, Any], Screen]] = {
    S.ATTRACT: lambda _, common: ui.Attract(**common),
    S.LANGUAGE: lambda _, common: ui.Language(**common),
    S.IDENTIFY: _identify,
    S.LOOKUP: lambda _, common: ui.LookUp(**common),
    S.PROVE: _prove,
    S.REVIEW: _review,
    S.CONSENT: _consent,
    S.FINGERS: _fingers,
    S.PORTRAIT: _portrait,
    S.CONFIRM: _confirm,
    S.PLACE_CARD: _place_card,
    S.WRITE_CHIP: _chip(ui.WriteChip),
    S.VERIFY_CHIP: _chip(ui.VerifyChip),
    S.LOCK_CHIP: _chip(ui.LockChip),
    S.HOLD_STILL: lambda view, common: ui.HoldStill(tries_left=max(1, TRIES - view.session.tries), **common),
    S.RECEIPT: _receipt,
    S.FAREWELL: lambda view, common: ui.Farewell(
        card=bool(view.visit.receipt), seconds_left=view.form.seconds_left, **common
    ),
    S.HELP: _help,
    S.OFFICER: lambda view, common: _officer(view, common, str(view.session.aim), "pin"),
    S.ASSISTED: _assisted,
    S.PAUSED: _paused,
    S.STILL_THERE: lambda view, common: ui.StillThere(seconds_left=view.form.seconds_left, **common),
    S.OUT_OF_ORDER: _out_of_order,
    S.TECHNICIAN: _technician,
    S.STATUS: lambda view, common: ui.Status(**view.status, **common),
}
