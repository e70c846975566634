"""SWAP: the screen of each stage."""

from __future__ import annotations

from typing import Any

from firmware.presenter.box import said
from firmware.presenter.view import View
from statemachine.session import Stage, Swap
from statemachine.states import Device
from ui_fb import screens as ui
from ui_fb.screen import Screen
from ui_fb.screens.swap import TICKETS_SHOWN


def swap(view: View, common: Any) -> Screen:
    way, sheet, form = str(view.session.swap or Swap.TAKE), view.visit.sheet, view.form
    match view.session.stage:
        case Stage.STICK:
            return ui.PutStick(swap=way, reading=form.stage == "reading", **common)
        case Stage.FOUND:
            return ui.StickShows(swap=way, facts=sheet.facts, **common)
        case Stage.CODE:
            return _code(view, common)
        case Stage.BLANKS:
            return ui.CountBlanks(digits=form.digits, stated=sheet.stated, **common)
        case Stage.GO:
            return ui.Moving(swap=way, done=form.done, of=form.of, **common)
        case Stage.DONE:
            shown, more = sheet.tickets[:TICKETS_SHOWN], max(0, len(sheet.tickets) - TICKETS_SHOWN)
            return ui.Swapped(swap=way, facts=sheet.facts, tickets=shown, more=more, **common)
    cause, remedy = said(view.session.reason, view.session.language)
    return ui.SwapStopped(cause=cause, remedy=remedy, **common)


def _code(view: View, common: Any) -> Screen:
    wrong = view.session.reason is not None
    camera = Device.CAMERA not in view.session.lost
    if camera and view.form.stage != "type":
        return ui.ScanCode(problem=wrong, **common)
    problem = wrong and not view.form.digits
    return ui.TypeCode(digits=view.form.digits, problem=problem, scan=camera, **common)
