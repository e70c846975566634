"""Walks every reachable (state, session) of the flow with every event in every variant."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from statemachine import effects as fx
from statemachine import events as ev
from statemachine.flow import RESUMABLE
from statemachine.guards import LOCKED
from statemachine.machine import Flow
from statemachine.session import Session
from statemachine.states import Device, Held, Role, S

FEW_FINGERS = ("right_thumb", "right_index")

SIMPLE = [
    ev.Started, ev.Confirmed, ev.Declined, ev.BackPressed, ev.HelpPressed, ev.StopPressed, ev.StillHere,
    ev.TechnicianPressed, ev.TimedOut, ev.RegistryAway, ev.NobodyThere, ev.CardMoved,
    ev.IssuingBegan, ev.ChipWritten, ev.ChipVerified, ev.ChipLocked, ev.SignerAway, ev.Sealed, ev.TicketMade,
    ev.BadgeRead, ev.Attested, ev.GuardianPresent, ev.CorrectionNoted, ev.PortraitApproved, ev.CardVoided,
    ev.PauseAsked, ev.ReturnAsked, ev.HandOverPressed, ev.TakeOverPressed, ev.CodeRead, ev.BlanksCounted,
    ev.SwapDone,
]  # fmt: skip


COUNTED = (S.IDENTIFY, S.PROVE, S.PLACE_CARD, S.WRITE_CHIP, S.VERIFY_CHIP, S.LOCK_CHIP)

TEAM = (S.OUT_OF_ORDER, S.ATTRACT, S.OFFICER, S.TECHNICIAN, S.STATUS, S.SWAP)


BOOTING = (S.OUT_OF_ORDER, S.OFFICER)


def variants() -> Iterator[ev.Event]:
    """Every event, in each form that a guard can tell apart."""
    yield from (kind() for kind in SIMPLE)
    yield ev.LanguageChosen("en")
    yield ev.WayChosen("qr")
    yield ev.FieldWrong("residence")
    yield ev.Agreed(eid=True)
    yield ev.Identified("qr")
    yield ev.Unreadable("qr_unreadable")
    yield from (
        ev.PersonFound("registry", minor, provable) for minor in (True, False) for provable in (True, False)
    )
    yield ev.PersonUnknown("unknown_person")
    for step in RESUMABLE:
        held = {S.PLACE_CARD: Held.FROZEN, S.RECEIPT: Held.COMPLETE}.get(step, Held.DRAFT)
        held = Held.ISSUING if step in (S.WRITE_CHIP, S.VERIFY_CHIP, S.LOCK_CHIP) else held
        yield from (ev.Resumed(held, step, FEW_FINGERS, prove_again) for prove_again in (True, False))
        yield ev.Resumed(held, step, FEW_FINGERS, prove_again=True, minor=True)
    yield ev.Proven("finger")
    yield ev.NotProven("finger_differs")
    yield from (ev.FingerKept(finger) for finger in FEW_FINGERS)
    yield ev.FingerAgain("right_thumb", "press_more")
    yield ev.FingerDoubted("right_thumb", "finger_twice")
    yield ev.FingerFailed("right_thumb")
    yield from (ev.PortraitKept(flags) for flags in ((), ("sharpness",)))
    yield from (ev.RecordFrozen(issue) for issue in (True, False))
    yield ev.RecordFrozen(issue=False, complete=True)
    yield from (ev.CardSeen(kind) for kind in ("blank", "ours", "foreign"))
    yield from (ev.ChipBroken("chip_wrong"), ev.SignerRefused("already_issued"))
    yield from (ev.PinAccepted("NV-01", role) for role in Role)
    yield from (ev.PinRefused(left) for left in (0, 3))
    yield from (ev.ActRefused("four_eyes"), ev.VisitRefused("not_eligible"), ev.StoreFailed("disk_full"))
    yield from (ev.StoreFailed("box_locked"), ev.Unlocked("NV-01"))
    yield from (ev.StickFound(code) for code in (True, False))
    yield from (ev.SwapRefused(reason) for reason in ("recovery_code_wrong", "stick_incomplete"))
    yield from (ev.StepFailed("record_incomplete"), ev.SealPutOff("box_certificate"))
    yield from (kind(device) for kind in (ev.DeviceLost, ev.DeviceBack) for device in Device)


class Step(NamedTuple):
    """One edge of the exploration."""

    before: tuple[S, Session]
    event: ev.Event
    after: tuple[S, Session]
    effects: tuple[fx.Effect, ...]


SWAP = ("swap", "stage", "coded", "counted")
NO_SWAP = {name: getattr(Session(), name) for name in SWAP}


def _swap(state: S, session: Session) -> dict[str, Any]:
    """What the guards of a swap read, only there."""
    return {name: getattr(session, name) for name in SWAP} if state is S.SWAP else NO_SWAP


@cache
def _coarse(state: S, session: Session) -> Session:
    """Forget what no later guard reads, so that the walk ends."""
    proven = session.proven and "finger"
    return replace(
        session,
        tries=min(session.tries, 3) if session.step in COUNTED else 0,
        doubts=min(session.doubts, 2) if session.step is S.FINGERS else 0,
        fingers=session.fingers if session.step is S.FINGERS else FEW_FINGERS,
        reason=None,
        language="vi",
        officer=None,
        sealed=False,
        can_prove=True,
        proven=proven,
        known=session.known or proven is not None,
        minor=session.minor and not session.guardian and proven is None,
        guardian=False,
        way=session.way if state is S.IDENTIFY else None,
        portrait=session.portrait and session.step is S.PORTRAIT,
        aim=session.aim if state is S.OFFICER else Session().aim,
        lost=session.lost & ({Device.STORE} if state in TEAM else set()),
        trouble=session.trouble if session.trouble == LOCKED and state in BOOTING else "",
        **_swap(state, session),
    )


AWAITED = (ev.TimedOut, ev.StillHere, ev.DeviceLost, ev.DeviceBack, ev.StoreFailed)
"""Events that somewhere must have a row."""


@cache
def explore() -> tuple[Step, ...]:
    """Every edge reachable from the greeting (breadth first; two fingers stand for ten).

    Of the events that nothing happens at, only those of AWAITED are kept.
    """
    start = (S.ATTRACT, Session(fingers=FEW_FINGERS))
    flow = Flow()
    flow.begin()
    seen, queue, edges = {start}, deque([start]), []
    events = list(variants())
    while queue:
        before = queue.popleft()
        for event in events:
            flow.state, flow.session = before
            effects = flow.feed(event)
            after = (flow.state, _coarse(flow.state, flow.session)) if flow.taken else before
            if flow.taken or isinstance(event, AWAITED):
                edges.append(Step(before, event, after, tuple(effects)))
            if after is not before and after not in seen:
                seen.add(after)
                queue.append(after)
    return tuple(edges)
