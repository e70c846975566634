"""Conditions of the table: small pure functions of (session, event)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statemachine.session import Aim, Session, Stage, Swap
from statemachine.states import CHIP, Device, Held, Role, S

Guard = Callable[[Session, Any], bool]

TRIES = 3
DOUBTS = 1
"""So often is a finger that is hardly the one asked for begun again; then the officer comes."""
DEVICE_OF_WAY = {"qr": Device.CAMERA, "chip": Device.CHIP}
LOCKED = "box_locked"
WRONG_CODE = "recovery_code_wrong"
REQUIRED = frozenset(Device) - {Device.BADGE, Device.PANEL}
"""Without these a new visit is not begun; a visit that runs goes on as far as it can."""


def all_of(*guards: Guard) -> Guard:
    def both(session: Session, event: Any) -> bool:
        return all(guard(session, event) for guard in guards)

    both.__name__ = " and ".join(guard.__name__ for guard in guards)
    return both


def is_not(guard: Guard) -> Guard:
    def negated(session: Session, event: Any) -> bool:
        return not guard(session, event)

    negated.__name__ = f"not {guard.__name__}"
    return negated


def well(session: Session, _: Any) -> bool:
    return not session.lost & REQUIRED


def store_is_lost(session: Session, _: Any) -> bool:
    return Device.STORE in session.lost


def was_lost(session: Session, event: Any) -> bool:
    return event.device in session.lost


def well_again(session: Session, event: Any) -> bool:
    return not (session.lost - {event.device}) & REQUIRED


def store_again(session: Session, event: Any) -> bool:
    return Device.STORE not in session.lost - {event.device}


def keeps(session: Session, _: Any) -> bool:
    return session.keeps


def holds(session: Session, _: Any) -> bool:
    return session.held is not Held.NOTHING


def complete(session: Session, _: Any) -> bool:
    return session.held is Held.COMPLETE


def issuing(session: Session, _: Any) -> bool:
    return session.held is Held.ISSUING


def at_stake(session: Session, _: Any) -> bool:
    """A card of the present attempt may be live: no other blank is taken for it."""
    return session.at_stake


def ticket_made(session: Session, _: Any) -> bool:
    return session.ticket


def way_is_chosen(session: Session, _: Any) -> bool:
    return session.way is not None


def needs_device(session: Session, event: Any) -> bool:
    """The chosen way to say who one is goes through the device that the event is about."""
    return DEVICE_OF_WAY.get(session.way or "") is event.device


def tries_left(session: Session, _: Any) -> bool:
    return session.tries + 1 < TRIES


def may_return(session: Session, _: Any) -> bool:
    """Going on alone is always possible, except to guess again at whose finger it is, or which."""
    if session.step is S.PROVE:
        return session.tries < TRIES - 1
    return not (session.step is S.FINGERS and session.doubts > DOUBTS)


def first_doubt(session: Session, _: Any) -> bool:
    return session.doubts < DOUBTS


def at(step: S) -> Guard:
    def at_step(session: Session, _: Any) -> bool:
        return session.step is step

    at_step.__name__ = f"at {step}"
    return at_step


def at_chip(session: Session, _: Any) -> bool:
    return session.step in (S.PLACE_CARD, *CHIP)


def fingers_without(session: Session, finger: str) -> tuple[str, ...]:
    return tuple(left for left in session.fingers if left != finger)


def more_fingers(session: Session, event: Any) -> bool:
    return bool(fingers_without(session, event.finger))


def person_known(session: Session, _: Any) -> bool:
    return session.known


def no_template(_: Session, event: Any) -> bool:
    """There is nothing to compare a finger with: trying again is no help."""
    return event.reason in ("no_template", "no_scorer")


def minor_alone(session: Session, _: Any) -> bool:
    return session.minor and not session.guardian


def may_attest(session: Session, _: Any) -> bool:
    """Only for a person whom the registry knows, where proof is asked for, a child with its guardian."""
    here = session.step in (S.PROVE, S.LOOKUP)
    return here and session.known and not (session.minor and not session.guardian)


def found_minor(session: Session, event: Any) -> bool:
    return bool(event.minor) and not session.guardian


def found_provable(_: Session, event: Any) -> bool:
    return bool(event.can_prove)


def prove_again(_: Session, event: Any) -> bool:
    return bool(event.prove_again)


def to_step(step: S) -> Guard:
    def at_step(_: Session, event: Any) -> bool:
        return event.step is step

    at_step.__name__ = f"step is {step}"
    return at_step


def then(step: S) -> Guard:
    def resumes(session: Session, _: Any) -> bool:
        return session.resume_step is step

    resumes.__name__ = f"resumes at {step}"
    return resumes


def device_is(device: Device) -> Guard:
    def lost(_: Session, event: Any) -> bool:
        return event.device is device

    lost.__name__ = f"{device}"
    return lost


def device_required(_: Session, event: Any) -> bool:
    return event.device in REQUIRED


def card_is(*kinds: str) -> Guard:
    def seen(_: Session, event: Any) -> bool:
        return event.kind in kinds

    seen.__name__ = " or ".join(kinds)
    return seen


def may_issue(_: Session, event: Any) -> bool:
    return bool(event.issue)


def without_card(_: Session, event: Any) -> bool:
    """No card is made at this station: the record is complete as it is."""
    return bool(event.complete)


def portrait_good(_: Session, event: Any) -> bool:
    return not event.flags


def portrait_kept(session: Session, _: Any) -> bool:
    return session.portrait


def pin_tries_left(_: Session, event: Any) -> bool:
    return bool(event.tries_left > 0)


def for_assistance(session: Session, event: Any) -> bool:
    return session.aim is Aim.ASSIST and event.role is Role.OFFICER


def for_technician(session: Session, event: Any) -> bool:
    return session.aim is Aim.TECHNICIAN and event.role is Role.TECHNICIAN


def aim_box(session: Session, _: Any) -> bool:
    """The PIN is for the box, not for a visit."""
    return session.aim in (Aim.TECHNICIAN, Aim.UNLOCK)


def aim_unlock(session: Session, _: Any) -> bool:
    return session.aim is Aim.UNLOCK


# --- the box ---------------------------------------------------------------------------------------


def locked(session: Session, _: Any) -> bool:
    """The box was just switched on: its keys, and so its store, open with an officer's card and PIN."""
    return Device.STORE in session.lost and session.trouble == LOCKED


def other_than_locked(_: Session, event: Any) -> bool:
    return bool(event.reason != LOCKED)


def swaps(swap: Swap) -> Guard:
    def this_way(session: Session, _: Any) -> bool:
        return session.swap is swap

    this_way.__name__ = f"{swap}s"
    return this_way


def at_stage(stage: Stage) -> Guard:
    def here(session: Session, _: Any) -> bool:
        return session.stage is stage

    here.__name__ = f"at {stage}"
    return here


def coded(session: Session, _: Any) -> bool:
    return session.coded


def counted(session: Session, _: Any) -> bool:
    return session.counted


def wrong_code(_: Session, event: Any) -> bool:
    return bool(event.reason == WRONG_CODE)
