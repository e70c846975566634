"""The procedure as data: read this first (Circular 60/2021/TT-BCA art. 5; Law 26/2023/QH15 art. 23).

`STATES` says of each state how long it may last and what is asked for when it is entered; `TABLE` says
what may happen then. Rows are tried from top to bottom: the first whose guard holds is taken. `STAY`
moves nothing and keeps the entry. A state without a time-out waits only for answers that always come
(a worker's deadline) or stands with nobody before it.
"""

from __future__ import annotations

from statemachine import effects as fx
from statemachine import events as ev
from statemachine import guards as g
from statemachine import notes as n
from statemachine.box_rows import BOX_ROWS
from statemachine.rows import (
    HELPED,
    RESUMABLE,
    STAY,
    STEPS,
    VISIT,
    Row,
    State,
    after_proof,
    ask,
    await_any_badge,
    back_to_step,
)  # fmt: skip
from statemachine.session import Aim, Session, Stage
from statemachine.staff_rows import STAFF_ROWS
from statemachine.states import CHIP, Held, S
from statemachine.swap_rows import SWAP_ROWS

__all__ = ["HELPED", "RESUMABLE", "STATES", "STEPS", "TABLE", "VISIT", "Row"]


def _read_identity(entry: int, session: Session) -> fx.Effect | None:
    return fx.ReadIdentity(entry, session.way) if session.way else None


def _capture_finger(entry: int, session: Session) -> fx.Effect | None:
    return fx.CaptureFinger(entry, session.fingers[0]) if session.fingers else None


def _swap(entry: int, session: Session) -> fx.Effect | None:
    match session.stage, session.swap:
        case Stage.STICK, swap if swap:
            return fx.AwaitStick(entry, swap)
        case Stage.CODE, _:
            return fx.ReadCode(entry)
        case Stage.GO, swap if swap:
            return fx.MoveBox(entry, swap)
    return None


STATES: dict[S, State] = {
    S.ATTRACT: State(None, (await_any_badge,)),
    S.LANGUAGE: State(60),
    S.IDENTIFY: State(90, (_read_identity,)),
    S.LOOKUP: State(30, (ask(fx.LookUp),)),
    S.PROVE: State(60, (ask(fx.ProveFinger),)),
    S.REVIEW: State(120),
    S.CONSENT: State(120),
    S.FINGERS: State(60, (_capture_finger,)),
    S.PORTRAIT: State(90, (ask(fx.TakePortrait),)),
    S.CONFIRM: State(120),
    S.PLACE_CARD: State(60, (ask(fx.AwaitCard),)),
    S.WRITE_CHIP: State(None, (ask(fx.WriteChip),)),
    S.VERIFY_CHIP: State(None, (ask(fx.VerifyChip),)),
    S.LOCK_CHIP: State(None, (ask(fx.LockChip),)),
    S.RECEIPT: State(60, (ask(fx.Seal),)),
    S.FAREWELL: State(8),
    S.HELP: State(300, (ask(fx.CallOfficer), ask(fx.AwaitBadge))),
    S.OFFICER: State(60),
    S.ASSISTED: State(300),
    S.PAUSED: State(60, (ask(fx.MakeTicket),)),
    S.HOLD_STILL: State(60, (ask(fx.AwaitCard),)),
    S.STILL_THERE: State(20),
    S.OUT_OF_ORDER: State(None, (await_any_badge,)),
    S.TECHNICIAN: State(600, (ask(fx.Examine),)),
    S.STATUS: State(120),
    S.SWAP: State(600, (_swap,)),
}


def _chip_rows(step: S) -> list[Row]:
    """What any of the three chip states may meet; from ISSUING on there is no way but forward."""
    return [
        Row(step, ev.CardMoved, S.HOLD_STILL, g.tries_left, n.count_try),
        Row(step, ev.CardMoved, S.HELP, None, n.count_try),
        Row(step, ev.ChipBroken, S.HELP, None, n.event_reason),
        Row(step, ev.SignerRefused, S.HELP, None, n.event_reason),
        Row(step, ev.IssuingBegan, STAY, None, n.note(held=Held.ISSUING, at_stake=True)),
    ]


TABLE: tuple[Row, ...] = (
    # -- greeting
    Row(S.ATTRACT, ev.Started, S.LANGUAGE, g.well),
    Row(S.ATTRACT, ev.Started, S.OUT_OF_ORDER),
    Row(S.ATTRACT, ev.BadgeRead, S.STATUS),
    *(
        Row(S.ATTRACT, ev.Resumed, step, g.all_of(g.is_not(g.prove_again), g.to_step(step)), n.reopened)
        for step in RESUMABLE
    ),
    Row(S.ATTRACT, ev.Resumed, S.PROVE, g.prove_again, n.reopened),
    Row(S.LANGUAGE, ev.LanguageChosen, S.IDENTIFY, None, n.language),
    Row(S.LANGUAGE, ev.BackPressed, S.ATTRACT),
    # -- who it is
    Row(S.IDENTIFY, ev.WayChosen, S.IDENTIFY, None, n.way),
    Row(S.IDENTIFY, ev.BackPressed, S.IDENTIFY, g.way_is_chosen, n.note(way=None)),
    Row(S.IDENTIFY, ev.BackPressed, S.LANGUAGE),
    Row(S.IDENTIFY, ev.Identified, S.LOOKUP),
    Row(S.IDENTIFY, ev.Unreadable, S.IDENTIFY, g.tries_left, n.count_try),
    Row(S.IDENTIFY, ev.Unreadable, S.HELP, None, n.event_reason),
    Row(S.IDENTIFY, ev.Resumed, S.PROVE, g.prove_again, n.reopened),
    Row(S.LOOKUP, ev.Resumed, S.PROVE, g.prove_again, n.reopened),
    Row(S.LOOKUP, ev.PersonFound, S.HELP, g.found_minor, n.found),
    Row(S.LOOKUP, ev.PersonFound, S.PROVE, g.found_provable, n.found),
    Row(S.LOOKUP, ev.PersonFound, S.HELP, None, n.found),
    Row(S.LOOKUP, ev.PersonUnknown, S.HELP, None, n.draft),
    Row(S.LOOKUP, ev.RegistryAway, S.HELP, None, n.draft),
    Row(S.LOOKUP, ev.TimedOut, S.HELP, None, n.because("registry_away")),
    Row(S.PROVE, ev.Proven, S.HELP, g.minor_alone, n.because("guardian_needed")),
    *after_proof(S.PROVE, ev.Proven),
    Row(S.PROVE, ev.NotProven, S.HELP, g.no_template, n.event_reason),
    Row(S.PROVE, ev.NotProven, S.PROVE, g.tries_left, n.count_try),
    Row(S.PROVE, ev.NotProven, S.HELP, None, n.count_try),
    # -- what they say and agree to
    Row(S.REVIEW, ev.Confirmed, S.CONSENT),
    Row(S.REVIEW, ev.FieldWrong, S.HELP, None, n.because("field_wrong")),
    Row(S.CONSENT, ev.Agreed, S.FINGERS, None, n.agreed),
    Row(S.CONSENT, ev.Declined, S.FAREWELL, None, n.note(refused=True)),
    # -- what is captured
    Row(S.FINGERS, ev.FingerKept, S.FINGERS, g.more_fingers, n.finger_done),
    Row(S.FINGERS, ev.FingerKept, S.PORTRAIT, None, n.finger_done),
    Row(S.FINGERS, ev.FingerAgain, S.FINGERS, None, n.hint),
    Row(S.FINGERS, ev.FingerDoubted, S.FINGERS, g.first_doubt, n.begun_again),
    Row(S.FINGERS, ev.FingerDoubted, S.HELP, None, n.doubted),
    Row(S.FINGERS, ev.FingerFailed, S.HELP, None, n.because("finger_failed")),
    Row(S.PORTRAIT, ev.PortraitKept, S.CONFIRM, g.portrait_good, n.portrait),
    Row(S.PORTRAIT, ev.PortraitKept, S.HELP, None, n.portrait),
    *(Row(step, ev.NobodyThere, S.STILL_THERE) for step in (S.PROVE, S.FINGERS, S.PORTRAIT)),
    Row(S.CONFIRM, ev.Confirmed, STAY, None, None, (ask(fx.Freeze),)),
    Row(S.CONFIRM, ev.RecordFrozen, S.PLACE_CARD, g.may_issue, n.note(held=Held.FROZEN)),
    Row(S.CONFIRM, ev.RecordFrozen, S.RECEIPT, g.without_card, n.note(held=Held.COMPLETE)),
    Row(S.CONFIRM, ev.RecordFrozen, S.PAUSED, None, n.not_issued),
    # -- the chip: a transaction (DESIGN section 6)
    Row(S.PLACE_CARD, ev.CardSeen, S.WRITE_CHIP, g.card_is("blank", "ours")),
    Row(S.PLACE_CARD, ev.CardSeen, S.PLACE_CARD, g.tries_left, n.count_try),
    Row(S.PLACE_CARD, ev.CardSeen, S.HELP, None, n.count_try),
    Row(S.PLACE_CARD, ev.NobodyThere, S.STILL_THERE),
    Row(S.WRITE_CHIP, ev.ChipWritten, S.VERIFY_CHIP, None, n.note(held=Held.ISSUING, at_stake=True)),
    Row(S.WRITE_CHIP, ev.SignerAway, S.HELP, g.at_stake, n.event_reason),
    Row(S.WRITE_CHIP, ev.SignerAway, S.PAUSED, None, n.event_reason),
    Row(S.VERIFY_CHIP, ev.ChipVerified, S.LOCK_CHIP),
    Row(S.LOCK_CHIP, ev.ChipLocked, S.RECEIPT, None, n.note(held=Held.COMPLETE, at_stake=False)),
    *(row for step in CHIP for row in _chip_rows(step)),
    *(Row(S.HOLD_STILL, ev.CardSeen, step, g.all_of(g.card_is("ours"), g.at(step))) for step in CHIP),
    Row(S.HOLD_STILL, ev.CardSeen, S.HOLD_STILL, g.all_of(g.at_stake, g.tries_left), n.count_try),
    Row(S.HOLD_STILL, ev.CardSeen, S.WRITE_CHIP, g.all_of(g.card_is("blank"), g.is_not(g.at_stake))),
    Row(S.HOLD_STILL, ev.CardSeen, S.HOLD_STILL, g.tries_left, n.count_try),
    Row(S.HOLD_STILL, ev.CardSeen, S.HELP, None, n.count_try),
    Row(S.HOLD_STILL, ev.NobodyThere, S.HELP, None, n.because("card_gone")),
    Row(S.HOLD_STILL, ev.TimedOut, S.HELP, None, n.because("card_gone")),
    Row(S.HOLD_STILL, ev.HelpPressed, S.HELP, None, n.because("card_gone")),
    # -- the end
    Row(S.RECEIPT, ev.Sealed, STAY, None, n.note(sealed=True)),
    Row(S.RECEIPT, ev.SealPutOff, STAY, None, n.event_reason),
    Row(S.RECEIPT, ev.Confirmed, S.FAREWELL),
    Row(S.RECEIPT, ev.TimedOut, S.FAREWELL),
    Row(S.FAREWELL, ev.Confirmed, S.ATTRACT),
    Row(S.FAREWELL, ev.TimedOut, S.ATTRACT),
    # -- help, and silence
    *(Row(step, ev.HelpPressed, S.HELP, None, n.because("asked")) for step in VISIT),
    *(Row(step, ev.StepFailed, S.HELP, None, n.event_reason) for step in (*HELPED, S.HOLD_STILL)),
    Row(S.LANGUAGE, ev.TimedOut, S.ATTRACT),
    *(Row(step, ev.TimedOut, S.STILL_THERE) for step in VISIT if step is not S.LANGUAGE),
    *back_to_step(S.STILL_THERE, ev.StillHere, VISIT[1:]),
    Row(S.STILL_THERE, ev.TimedOut, S.PAUSED, g.keeps, n.because("left")),
    Row(S.STILL_THERE, ev.TimedOut, S.ATTRACT),
    Row(S.HELP, ev.BadgeRead, S.OFFICER, None, n.note(aim=Aim.ASSIST)),
    *back_to_step(S.HELP, ev.ReturnAsked, HELPED, g.may_return),
    Row(S.HELP, ev.ReturnAsked, STAY, None, n.because("officer_needed")),
    *(
        Row(S.HELP, event, target, guard, note)
        for event in (ev.StopPressed, ev.TimedOut)
        for target, guard, note in (
            (S.FAREWELL, g.complete, None),
            (S.PAUSED, g.holds, n.because("left")),
            (S.ATTRACT, None, None),
        )
    ),
    # -- a ticket: resume here or on another box
    Row(S.PAUSED, ev.ChipLocked, S.RECEIPT, None, n.note(held=Held.COMPLETE, at_stake=False)),
    Row(S.PAUSED, ev.StepFailed, S.HELP, None, n.no_ticket),
    Row(S.PAUSED, ev.TicketMade, STAY, None, n.note(ticket=True)),
    Row(S.PAUSED, ev.Confirmed, S.ATTRACT, g.ticket_made),
    Row(S.PAUSED, ev.Confirmed, STAY),
    Row(S.PAUSED, ev.TimedOut, S.ATTRACT, g.ticket_made),
    Row(S.PAUSED, ev.TimedOut, S.PAUSED),
    *STAFF_ROWS,
    *SWAP_ROWS,
    *BOX_ROWS,
)
