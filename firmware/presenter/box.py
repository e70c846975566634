"""The box itself: locked, out of order, the technician's screens, and what a code means."""

from __future__ import annotations

from typing import Any

from firmware.presenter.view import View
from statemachine.guards import REQUIRED, locked
from statemachine.session import Session
from statemachine.states import Device, S
from ui_fb import screens as ui
from ui_fb.screen import Screen
from ui_fb.screens.box import START_PROBLEMS

DEVICES = {Device.FINGER: "fingerprint", Device.BADGE: "chip"}
TOLD = (Device.STORE, Device.PLACE)
"""What is lost for a reason of its own: `Session.trouble`."""
UNTOLD = {Device.PLACE: "box_handed_over"}


def troubles(view: View) -> tuple[str, ...]:
    """Why the box is not well, as keys of the error catalogue; the most telling first."""
    lost = sorted(view.session.lost, key=lambda device: (device not in TOLD, device not in REQUIRED, device))
    return tuple(dict.fromkeys(_reason(view.session, device) for device in lost))


def _reason(session: Session, device: Device) -> str:
    if device in TOLD and session.trouble:
        return session.trouble
    return UNTOLD.get(device, f"lost_{device}")


def error(view: View) -> str:
    """The code in the corner of a screen that shows some trouble; "" on every other one."""
    if view.state in (S.OUT_OF_ORDER, S.TECHNICIAN):
        return next(filter(None, map(code_of, (*_shown(view), *troubles(view)))), "")
    if view.state in (S.HELP, S.PAUSED, S.SWAP, S.OFFICER):
        return code_of(view.session.reason)
    return ""


def _shown(view: View) -> tuple[str, ...]:
    """The one trouble that a technician looks at."""
    return troubles(view)[view.form.page - 1 : view.form.page] if view.form.stage == "codes" else ()


def code_of(reason: str | None) -> str:
    """The catalogue is read when it is first asked: the greeting needs none."""
    if not reason:
        return ""
    from config import catalogue

    return catalogue.code_of(reason)


def said(reason: str | None, language: str) -> tuple[str, str]:
    """Cause and remedy of a reason; of the general fault where the catalogue has no such reason."""
    from config import catalogue

    entry = catalogue.entry(reason or "") or catalogue.entry(GENERAL)
    assert entry is not None  # noqa: S101  a test reads it
    return getattr(entry.cause, language), getattr(entry.remedy, language)


GENERAL = "step_failed"


def status(view: View, common: Any) -> Screen:
    """The team's screen; why there is no right to issue is said with its code."""
    reason = view.status.get("no_lease", "")
    words = f"{code_of(reason)}: {said(reason, view.session.language)[0]}" if reason else ""
    return ui.Status(**{**view.status, "no_lease": words}, **common)


def out_of_order(view: View, common: Any) -> Screen:
    if locked(view.session, None):
        problem = view.session.reason if view.session.reason in START_PROBLEMS else ""
        return ui.StartBox(problem=problem or "", **common)
    lost = min(view.session.lost & REQUIRED or view.session.lost, default=Device.STORE)
    closed = Device.PLACE in view.session.lost
    device = "store" if closed else DEVICES.get(lost, str(lost))
    return ui.OutOfOrder(device=device, closed=closed, **common)


def technician(view: View, common: Any) -> Screen:
    from ui_fb.screens.trouble import CHECKS_A_PAGE

    match view.form.stage:
        case "acts":
            return ui.BoxActs(acts=("give", "take", *(("codes",) if troubles(view) else ())), **common)
        case "codes" if troubles(view):
            return _explained(view, common)
    rows = view.form.rows
    pages = max(1, -(-len(rows) // CHECKS_A_PAGE))
    page = min(view.form.page, pages)
    shown = rows[(page - 1) * CHECKS_A_PAGE : page * CHECKS_A_PAGE]
    return ui.Technician(rows=shown, page=page, pages=pages, **common)


def _explained(view: View, common: Any) -> Screen:
    every = troubles(view)
    page = min(view.form.page, len(every))
    cause, remedy = said(every[page - 1], view.session.language)
    return ui.Explain(cause=cause, remedy=remedy, page=page, pages=len(every), **common)
