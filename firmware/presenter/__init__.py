"""(state, session, visit, form) → the screen. Pure: words and pixels are ui_fb's, decisions the flow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from firmware.presenter import box, found, staff, swap, visit
from firmware.presenter.box import troubles
from firmware.presenter.found import PROBLEM_OF_NUMBER, PROBLEM_OF_QR, PROBLEM_OF_TICKET, TICKET_DIGITS
from firmware.presenter.staff import HELP_BECAUSE, PROBLEM_OF_GUARDIAN, WITHOUT_REASON, acts, help_reason
from firmware.presenter.view import Form, View, readable, review_pages
from firmware.presenter.visit import PAUSED_BECAUSE
from statemachine.guards import TRIES
from statemachine.states import S
from ui_fb import screens as ui
from ui_fb.screen import Screen

__all__ = [
    "HELP_BECAUSE",
    "PAUSED_BECAUSE",
    "PROBLEM_OF_GUARDIAN",
    "PROBLEM_OF_NUMBER",
    "PROBLEM_OF_QR",
    "PROBLEM_OF_TICKET",
    "TICKET_DIGITS",
    "WITHOUT_REASON",
    "Form",
    "View",
    "acts",
    "help_reason",
    "present",
    "readable",
    "review_pages",
    "troubles",
]

STEP_OF = {
    S.LANGUAGE: 1, S.IDENTIFY: 1, S.LOOKUP: 1, S.PROVE: 2, S.REVIEW: 3, S.CONSENT: 4, S.FINGERS: 5,
    S.PORTRAIT: 6, S.CONFIRM: 7, S.PLACE_CARD: 8, S.WRITE_CHIP: 8, S.VERIFY_CHIP: 8, S.LOCK_CHIP: 8,
    S.HOLD_STILL: 8, S.RECEIPT: 9,
}  # fmt: skip
STEPS = max(STEP_OF.values())


def present(view: View) -> Screen:
    """The screen for where the flow is."""
    common = {
        "language": view.session.language,
        "simulated": view.simulated,
        "step": STEP_OF.get(view.state, 0),
        "steps": STEPS if view.state in STEP_OF else 0,
        "error": box.error(view),
    }
    return SCREEN_OF[view.state](view, common)


SCREEN_OF: Mapping[S, Callable[[View, Any], Screen]] = {
    S.ATTRACT: lambda _, common: ui.Attract(**common),
    S.LANGUAGE: lambda _, common: ui.Language(**common),
    S.IDENTIFY: found.identify,
    S.LOOKUP: lambda _, common: ui.LookUp(**common),
    S.PROVE: visit.prove,
    S.REVIEW: visit.review,
    S.CONSENT: visit.consent,
    S.FINGERS: visit.fingers,
    S.PORTRAIT: visit.portrait,
    S.CONFIRM: visit.confirm,
    S.PLACE_CARD: visit.place_card,
    S.WRITE_CHIP: visit.chip(ui.WriteChip),
    S.VERIFY_CHIP: visit.chip(ui.VerifyChip),
    S.LOCK_CHIP: visit.chip(ui.LockChip),
    S.HOLD_STILL: lambda view, common: ui.HoldStill(tries_left=max(1, TRIES - view.session.tries), **common),
    S.RECEIPT: visit.receipt,
    S.FAREWELL: lambda view, common: ui.Farewell(
        card=bool(view.visit.receipt), seconds_left=view.form.seconds_left, **common
    ),
    S.HELP: staff.help_,
    S.OFFICER: lambda view, common: staff.signs_in(view, common),
    S.ASSISTED: staff.assisted,
    S.PAUSED: visit.paused,
    S.STILL_THERE: lambda view, common: ui.StillThere(seconds_left=view.form.seconds_left, **common),
    S.OUT_OF_ORDER: box.out_of_order,
    S.TECHNICIAN: box.technician,
    S.SWAP: swap.swap,
    S.STATUS: box.status,
}
