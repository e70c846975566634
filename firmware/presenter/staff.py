"""HELP, OFFICER and ASSISTED: why an officer is called, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmware.presenter.found import PROBLEM_OF_CHIP, PROBLEM_OF_NUMBER, PROBLEM_OF_QR, PROBLEM_OF_TICKET
from firmware.presenter.view import View, finger_marks
from statemachine.guards import may_return
from statemachine.session import Aim, Session
from statemachine.states import CHIP, S
from ui_fb import screens as ui
from ui_fb.screen import Screen
from ui_fb.screens.attend import REASONS as HELP_REASONS
from ui_fb.screens.officer import OPENING

PROBLEM_OF_GUARDIAN = {
    "guardian_unknown": "unknown", "guardian_minor": "minor", "registry_away": "away",
}  # fmt: skip
PROBLEM_OF_PIN = {"pin_wrong": "wrong_pin", "role_refused": "not_allowed", "four_eyes": "same"}
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


def officer(view: View, common: Any, purpose: str, stage: str) -> Screen:
    problem = PROBLEM_OF_PIN.get(view.session.reason or "", "")
    return ui.Officer(
        purpose=purpose,
        stage=stage,
        entered=len(view.form.digits),
        tries_left=view.visit.tries_left,
        problem="" if view.form.digits else problem,
        **common,
    )


def signs_in(view: View, common: Any) -> Screen:
    """OFFICER: the PIN; a box that it opens says that it does."""
    opening = view.session.aim is Aim.UNLOCK and view.session.reason == "unlocked"
    return officer(view, common, str(view.session.aim), OPENING if opening else "pin")


def help_(view: View, common: Any) -> Screen:
    if view.form.stage == "badge":
        return officer(view, common, "assist", "badge")
    alone = view.session.step is not S.LOOKUP and may_return(view.session, None)
    return ui.Help(retry=alone, reason=help_reason(view.session), **common)


def help_reason(session: Session) -> str:
    """Why an officer is called: a key of `ui.Help`, or "" where the person asked for one."""
    if session.reason in WITHOUT_REASON:
        return ""
    at_chip = session.step in CHIP
    return HELP_BECAUSE.get(session.reason or "", "signer_refused" if at_chip else "step_failed")


def assisted(view: View, common: Any) -> Screen:
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
            return officer(view, common, "second", "pin" if stage == "second_pin" else "badge")
    return ui.Assisted(acts=acts(view), officer=view.visit.officer_name, **_likeness(view), **common)


def _likeness(view: View) -> dict[str, Any]:
    """What the officer has to judge: the finger in doubt, what it is (or is not) like, and how much."""
    doubted = view.visit.doubted
    if doubted is None or view.session.step is not S.FINGERS:
        return {}
    finding = doubted.finding
    return {"doubt": finding.doubt, "like": finding.like, "similarity": finding.similarity}


def acts(view: View) -> tuple[str, ...]:
    """What an officer may do at the step the visit is at."""
    here = ACTS_AT.get(view.session.step, ())
    if view.session.step is S.FINGERS and view.visit.doubted is not None:
        here = ("accept", *here)
    if view.session.step in (S.LOOKUP, S.PROVE) and view.session.minor and not view.session.guardian:
        here = ("guardian",)
    return (*here, "pause", "refuse")
