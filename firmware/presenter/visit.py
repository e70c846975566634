"""The procedure from the proof to the receipt, and a ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware.app.visit import TICKET_QR
from firmware.box.no_lease import NO_LEASE
from firmware.presenter.view import View, finger_marks, readable, review_pages
from firmware.quality import GOOD_FRAMES
from statemachine.guards import TRIES
from statemachine.session import FINGERS
from ui_fb import screens as ui
from ui_fb.screen import Screen

PAUSED_BECAUSE = {
    "signer_away": "signer", "no_issue": "rules", "clock": "clock", "officer": "officer",
    "lost_finger": "device", **dict.fromkeys(NO_LEASE, "lease"),
}  # fmt: skip


def prove(view: View, common: Any) -> Screen:
    hint = view.form.hint or ("no_match" if view.session.reason else "")
    return ui.Prove(
        finger=view.visit.prove_with or FINGERS[1],
        hint=hint,
        attempts_left=max(1, TRIES - view.session.tries),
        lift=view.form.lift,
        **common,
    )


def review(view: View, common: Any) -> Screen:
    pages = review_pages(view)
    page = min(view.form.page, len(pages))
    return ui.Review(rows=pages[page - 1], page=page, pages=len(pages), **common)


def consent(view: View, common: Any) -> Screen:
    return ui.EidRequest(**common) if view.form.stage == "eid" else ui.Consent(**common)


def fingers(view: View, common: Any) -> Screen:
    return ui.Fingers(
        marks=finger_marks(view),
        now=view.session.fingers[0],
        hint=view.form.hint or view.session.reason or "",
        score=view.form.score,
        estimate=view.form.estimate,
        attempt=min(view.session.tries + 1, view.session.attempts),
        attempts=view.session.attempts,
        lift=view.form.lift,
        **common,
    )


def portrait(view: View, common: Any) -> Screen:
    return ui.Portrait(
        hint=view.form.hint, good=min(view.form.good, GOOD_FRAMES), wanted=GOOD_FRAMES, **common
    )


def confirm(view: View, common: Any) -> Screen:
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


def place_card(view: View, common: Any) -> Screen:
    reason = view.session.reason
    if reason not in ("card_foreign", "card_locked"):
        reason = "card_foreign" if reason in ("foreign", "again") else "place_card"
    return ui.PlaceCard(reason=reason, **common)


def chip(kind: Callable[..., Screen]) -> Callable[[View, Any], Screen]:
    return lambda view, common: kind(fraction=view.form.fraction, **common)


def receipt(view: View, common: Any) -> Screen:
    code = view.visit.receipt or "…"
    card = "card_due" if view.visit.card_due else "card_live"
    done = (card, "data_saved", *(("eid_requested",) if view.visit.eid else ()))
    if view.visit.wrong:
        done = (*done, "corrections_sent")
    qr = f"idkiosk:receipt:{code}"
    return ui.Receipt(code=code, qr=qr, done=done[:3], card_due=view.visit.card_due, **common)


def paused(view: View, common: Any) -> Screen:
    ticket = view.visit.ticket or "…"
    reason = PAUSED_BECAUSE.get(view.session.reason or "", "person")
    return ui.Paused(
        ticket=ticket,
        qr=f"{TICKET_QR}{ticket}",
        valid_until=view.visit.ticket_until or "…",
        reason=reason,
        **common,
    )
