"""Card and PIN, and what an officer does beside a visit (Circular 60/2021/TT-BCA art. 5)."""

from __future__ import annotations

from statemachine import events as ev
from statemachine import guards as g
from statemachine import notes as n
from statemachine.rows import HELPED, STAY, Row, after_proof, back_to_step, technician_leaves
from statemachine.states import S

STAFF_ROWS: tuple[Row, ...] = (
    Row(S.OFFICER, ev.PinAccepted, S.ASSISTED, g.for_assistance, n.officer),
    Row(S.OFFICER, ev.PinAccepted, S.TECHNICIAN, g.for_technician, n.officer),
    Row(S.OFFICER, ev.PinAccepted, S.OFFICER, None, n.because("role_refused")),
    Row(S.OFFICER, ev.PinRefused, S.OFFICER, g.pin_tries_left, n.because("pin_wrong")),
    *(
        row
        for event, reason in (
            (ev.PinRefused, "pin_locked"),
            (ev.BackPressed, "asked"),
            (ev.TimedOut, "asked"),
        )
        for row in (
            *technician_leaves(S.OFFICER, event, n.because(reason), g.aim_box),
            Row(S.OFFICER, event, S.HELP, None, n.because(reason)),
        )
    ),
    *after_proof(S.ASSISTED, ev.Attested, g.at(S.PROVE), g.person_known, g.is_not(g.minor_alone)),
    *after_proof(S.ASSISTED, ev.Attested, g.at(S.LOOKUP), g.person_known, g.is_not(g.minor_alone)),
    Row(S.ASSISTED, ev.Attested, STAY, None, n.because("not_here")),
    *(
        Row(
            S.ASSISTED,
            ev.GuardianPresent,
            S.PROVE,
            g.all_of(g.at(step), g.person_known),
            n.note(guardian=True),
        )
        for step in (S.LOOKUP, S.PROVE)
    ),
    Row(S.ASSISTED, ev.GuardianPresent, STAY, None, n.because("not_here")),
    Row(S.ASSISTED, ev.CorrectionNoted, S.REVIEW, g.at(S.REVIEW)),
    Row(S.ASSISTED, ev.CorrectionNoted, STAY, None, n.because("not_here")),
    Row(
        S.ASSISTED,
        ev.FingerKept,
        S.FINGERS,
        g.all_of(g.at(S.FINGERS), g.more_fingers),
        n.finger_done,
    ),
    Row(S.ASSISTED, ev.FingerKept, S.PORTRAIT, g.at(S.FINGERS), n.finger_done),
    Row(S.ASSISTED, ev.FingerKept, STAY, None, n.because("not_here")),
    Row(S.ASSISTED, ev.FingerAgain, S.FINGERS, g.at(S.FINGERS), n.hint),
    Row(S.ASSISTED, ev.FingerAgain, STAY, None, n.because("not_here")),
    Row(S.ASSISTED, ev.FingerFailed, STAY, None, n.because("finger_failed")),
    Row(S.ASSISTED, ev.PortraitApproved, S.CONFIRM, g.all_of(g.at(S.PORTRAIT), g.portrait_kept)),
    Row(S.ASSISTED, ev.PortraitApproved, STAY, None, n.because("not_here")),
    Row(S.ASSISTED, ev.CardVoided, S.PLACE_CARD, g.at_chip, n.voided),
    Row(S.ASSISTED, ev.CardVoided, STAY, None, n.because("not_here")),
    Row(S.ASSISTED, ev.VisitRefused, STAY, g.issuing, n.because("issuing_goes_forward")),
    Row(S.ASSISTED, ev.VisitRefused, STAY, g.complete, n.because("not_here")),
    Row(S.ASSISTED, ev.VisitRefused, S.FAREWELL, None, n.note(refused=True)),
    Row(S.ASSISTED, ev.PauseAsked, S.FAREWELL, g.complete),
    Row(S.ASSISTED, ev.PauseAsked, S.PAUSED, g.holds, n.because("officer")),
    Row(S.ASSISTED, ev.PauseAsked, S.ATTRACT),
    Row(S.ASSISTED, ev.ActRefused, STAY, None, n.event_reason),
    *back_to_step(S.ASSISTED, ev.ReturnAsked, HELPED),
    Row(S.ASSISTED, ev.TimedOut, S.HELP, None, n.because("asked")),
)
