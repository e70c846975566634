"""IDENTIFY: who stands there."""

from __future__ import annotations

from typing import Any

from firmware.presenter.view import View
from statemachine.guards import DEVICE_OF_WAY
from ui_fb import screens as ui
from ui_fb.screen import Screen
from ui_fb.screens.identify import WAYS

TICKET_DIGITS = 8
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
    "chip_unsupported": "unsupported",
    "number_length": "unreadable", "number_place": "unreadable", "number_sex": "unreadable",
    "number_year": "unreadable",
}  # fmt: skip


def identify(view: View, common: Any) -> Screen:
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
