"""The box itself: out of order, and the technician's screen."""

from __future__ import annotations

from typing import Any

from firmware.presenter.view import View
from statemachine.guards import REQUIRED
from statemachine.states import Device
from ui_fb import screens as ui
from ui_fb.screen import Screen

DEVICES = {Device.FINGER: "fingerprint", Device.BADGE: "chip"}


def out_of_order(view: View, common: Any) -> Screen:
    lost = min(view.session.lost & REQUIRED or view.session.lost, default=Device.STORE)
    device = DEVICES.get(lost, str(lost))
    code = view.session.reason if lost is Device.STORE and view.session.reason else str(lost)
    return ui.OutOfOrder(device=device, code=f"E-{code.upper().replace('_', '-')}", **common)


def technician(view: View, common: Any) -> Screen:
    from ui_fb.screens.trouble import CHECKS_A_PAGE

    rows = view.form.rows
    pages = max(1, -(-len(rows) // CHECKS_A_PAGE))
    page = min(view.form.page, pages)
    shown = rows[(page - 1) * CHECKS_A_PAGE : page * CHECKS_A_PAGE]
    return ui.Technician(rows=shown, page=page, pages=pages, **common)
