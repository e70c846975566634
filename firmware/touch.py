"""What a touched action means where the flow is: an event, a change of the form, or a command. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from firmware.presenter import TICKET_DIGITS, Form, View, review_pages, troubles
from statemachine import events as ev
from statemachine.session import Stage
from statemachine.states import S

PIN_DIGITS = 6
NUMBER_DIGITS = 12
CAN_DIGITS = 6
BLANK_DIGITS = 5
DIGITS_OF_WAY = {"number": NUMBER_DIGITS, "ticket": TICKET_DIGITS, "chip": CAN_DIGITS}
COMMAND_OF_WAY = {"number": "number", "ticket": "ticket", "chip": "old_chip"}


@dataclass(frozen=True, slots=True)
class Command:
    """Work that must be durable, or checked, before the flow hears of it."""

    name: str
    value: str = ""


Meaning = ev.Event | Form | Command | None

LEAVE = ev.HelpPressed()
"""Back, where no step lies behind: the help screen offers to go on, to call an officer, or to leave."""


def meaning(view: View, action: str) -> Meaning:
    """What `action` does on the screen that `view` shows; None: nothing."""
    verb, _, value = action.partition(":")
    if verb == "digit":
        return _typed(view, value)
    if verb == "erase":
        return replace(view.form, digits=view.form.digits[:-1])
    if verb in ("help", "cannot"):
        return HELP_IN.get(view.state, ev.HelpPressed())
    answer = IN_STATE.get(view.state)
    return answer(view, verb, value) if answer else SIMPLE.get((view.state, verb))


def _typed(view: View, digit: str) -> Meaning:
    if len(view.form.digits) >= _length(view):
        return None
    return replace(view.form, digits=view.form.digits + digit)


def _length(view: View) -> int:
    if view.state is S.SWAP:
        return NUMBER_DIGITS if view.session.stage is Stage.CODE else BLANK_DIGITS
    if view.form.stage == "guardian":
        return NUMBER_DIGITS
    if view.state is S.IDENTIFY:
        return DIGITS_OF_WAY.get(view.session.way or "", TICKET_DIGITS)
    return PIN_DIGITS


def _language(_: View, verb: str, value: str) -> Meaning:
    if verb == "language":
        return ev.LanguageChosen(value)
    return ev.BackPressed() if verb == "back" else None


def _identify(view: View, verb: str, value: str) -> Meaning:
    if verb == "by":
        return ev.WayChosen(value)
    if verb == "back":
        return ev.BackPressed()
    if verb == "ok" and len(view.form.digits) == _length(view):
        return Command(COMMAND_OF_WAY.get(view.session.way or "", "ticket"), view.form.digits)
    return None


def _review(view: View, verb: str, value: str) -> Meaning:
    if verb == "wrong":
        return Command("wrong", value)
    if verb == "ok":
        if view.form.page < len(review_pages(view)):
            return replace(view.form, page=view.form.page + 1)
        return ev.Confirmed()
    if verb == "back":
        return replace(view.form, page=view.form.page - 1) if view.form.page > 1 else LEAVE
    return None


def _consent(view: View, verb: str, value: str) -> Meaning:
    if verb == "consent":
        return replace(view.form, stage="eid") if value == "yes" else ev.Declined()
    if verb == "eid":
        return Command("consent", value)
    if verb == "back":
        return replace(view.form, stage="") if view.form.stage else LEAVE
    return None


def _help(view: View, verb: str, _: str) -> Meaning:
    if view.form.stage == "badge":
        return replace(view.form, stage="") if verb == "back" else None
    match verb:
        case "officer":
            return replace(view.form, stage="badge")
        case "retry":
            return ev.ReturnAsked()
        case "back":
            return ev.StopPressed()
    return None


def _officer(view: View, verb: str, _: str) -> Meaning:
    if verb == "back":
        return ev.BackPressed()
    if verb == "ok" and len(view.form.digits) == PIN_DIGITS:
        return Command("pin", view.form.digits)
    return None


ACT_EVENTS = {
    "done": ev.ReturnAsked(),
    "pause": ev.PauseAsked(),
}
STAGES = {"except": "finger", "guardian": "guardian"}
COMMANDS = ("attest", "correct", "approve", "accept")


def _assisted(view: View, verb: str, value: str) -> Meaning:
    form = view.form
    match verb, form.stage:
        case "act", _:
            return _act(form, value)
        case "finger", "finger":
            return replace(form, stage="except", picked=value)
        case "except", "except":
            return Command("except", f"{form.picked}:{value}")
        case "ok", "guardian" if len(form.digits) == NUMBER_DIGITS:
            return Command("guardian", form.digits)
        case "yes", "sure":
            return Command(form.picked)
        case "ok", "second_pin" if len(form.digits) == PIN_DIGITS:
            return Command("second_pin", form.digits)
        case "back" | "no", stage if stage:
            return Form()
        case "back", _:
            return ev.ReturnAsked()
    return None


def _act(form: Form, act: str) -> Meaning:
    if act in ACT_EVENTS:
        return ACT_EVENTS[act]
    if act in COMMANDS:
        return Command(act)
    if act in STAGES:
        return replace(form, stage=STAGES[act])
    return replace(form, stage="sure", picked=act) if act in ("void", "refuse") else None


def _technician(view: View, verb: str, value: str) -> Meaning:
    form, known = view.form, troubles(view)
    stage = form.stage if known or form.stage != "codes" else ""
    match verb, stage:
        case "next", _:
            pages = len(known) if stage == "codes" else -(-len(form.rows) // 5)
            return replace(form, page=form.page % max(1, pages) + 1)
        case "retest", "":
            return Command("examine")
        case "acts", "":
            return replace(form, stage="acts", page=1)
        case "act", "acts":
            return replace(form, stage="codes") if value == "codes" else SWAPS.get(value)
        case "back", "acts" | "codes":
            return replace(form, stage="" if stage == "acts" else "acts", page=1)
        case "back", _:
            return ev.BackPressed()
    return None


SWAPS: dict[str, ev.Event] = {"give": ev.HandOverPressed(), "take": ev.TakeOverPressed()}


def _swap(view: View, verb: str, _: str) -> Meaning:
    stage, digits = view.session.stage, view.form.digits
    match verb:
        case "ok" if stage is Stage.CODE:
            return Command("recovery_code", digits) if len(digits) == NUMBER_DIGITS else None
        case "ok" if stage is Stage.BLANKS:
            return Command("blanks", digits) if digits else None
        case "ok":
            return ev.Confirmed()
        case "type" | "scan" if stage is Stage.CODE:
            return Form(stage="type" if verb == "type" else "")
        case "back" if stage is Stage.CODE and view.form.stage == "type":
            return Form()
        case "back":
            return ev.BackPressed()
    return None


CALL = Command("call")
HELP_IN: dict[S, Meaning] = {
    S.ATTRACT: CALL,
    S.LOOKUP: CALL,
    S.RECEIPT: CALL,
    S.PAUSED: CALL,
    S.STILL_THERE: ev.StillHere(),
}
"""Where help is no step of its own: an officer is called and the screen stays, or goes where help is."""

IN_STATE: dict[S, Callable[[View, str, str], Meaning]] = {
    S.IDENTIFY: _identify,
    S.REVIEW: _review,
    S.CONSENT: _consent,
    S.HELP: _help,
    S.OFFICER: _officer,
    S.ASSISTED: _assisted,
    S.TECHNICIAN: _technician,
    S.SWAP: _swap,
    S.LANGUAGE: _language,
}

SIMPLE: dict[tuple[S, str], ev.Event | Command] = {
    (S.ATTRACT, "start"): ev.Started(),
    (S.PROVE, "back"): LEAVE,
    (S.PORTRAIT, "back"): LEAVE,
    (S.CONFIRM, "back"): LEAVE,
    (S.CONFIRM, "ok"): ev.Confirmed(),
    (S.RECEIPT, "ok"): ev.Confirmed(),
    (S.FAREWELL, "done"): ev.Confirmed(),
    (S.PAUSED, "ok"): ev.Confirmed(),
    (S.STILL_THERE, "here"): ev.StillHere(),
    (S.OUT_OF_ORDER, "officer"): CALL,
    (S.STATUS, "back"): ev.BackPressed(),
    (S.STATUS, "technician"): ev.TechnicianPressed(),
}
