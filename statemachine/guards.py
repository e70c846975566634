"""Conditions and notes of the table: small pure functions of (session, event)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statemachine.session import Aim, Session
from statemachine.states import CHIP, Device, Held, Role, S

Guard = Callable[[Session, Any], bool]
Note = Callable[[Session, Any], Session]

TRIES = 3
DOUBTS = 1
"""So often is a finger that is hardly the one asked for begun again; then the officer comes."""
DEVICE_OF_WAY = {"qr": Device.CAMERA, "chip": Device.CHIP}
REQUIRED = frozenset({Device.FINGER, Device.CAMERA, Device.CHIP, Device.STORE, Device.CLOCK})
"""Without these a new visit is not begun; a visit that runs goes on as far as it can."""

# --- guards ----------------------------------------------------------------------------------------


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


def more_fingers(session: Session, event: Any) -> bool:
    return bool(_fingers_without(session, event.finger))


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


def aim_technician(session: Session, _: Any) -> bool:
    return session.aim is Aim.TECHNICIAN


# --- notes -----------------------------------------------------------------------------------------


def note(**values: Any) -> Note:
    return lambda session, _: replace(session, **values)


def because(reason: str) -> Note:
    return note(reason=reason)


def count_try(session: Session, event: Any) -> Session:
    return session.failed(getattr(event, "reason", None) or getattr(event, "kind", None) or "again")


def event_reason(session: Session, event: Any) -> Session:
    return replace(session, reason=event.reason)


def hint(session: Session, event: Any) -> Session:
    return session.failed(event.hint)


def agreed(session: Session, event: Any) -> Session:
    """The rule pack's order, for as many fingers as are still to be taken."""
    return replace(session, fingers=tuple(f for f in event.fingers if f in session.fingers))


def begun_again(session: Session, _: Any) -> Session:
    return replace(session, doubts=session.doubts + 1, reason="other_finger")


def doubted(session: Session, event: Any) -> Session:
    return replace(session, doubts=session.doubts + 1, reason=event.reason)


def language(session: Session, event: Any) -> Session:
    return replace(session, language=event.language)


def way(session: Session, event: Any) -> Session:
    return replace(session, way=event.way, tries=0)


def reopened(session: Session, event: Any) -> Session:
    return replace(
        session,
        held=event.held,
        fingers=event.fingers,
        known=event.known,
        can_prove=event.can_prove,
        at_stake=event.at_stake,
        resume_step=event.step if event.prove_again else None,
        minor=event.minor,
        guardian=event.minor and not event.prove_again,
        proven=None if event.prove_again or event.step is S.PROVE else "before",
    )


def draft(session: Session, event: Any) -> Session:
    return replace(session, held=Held.DRAFT, reason=getattr(event, "reason", "registry_away"))


def found(session: Session, event: Any) -> Session:
    reason = None
    if found_minor(session, event):
        reason = "guardian_needed"
    elif not event.can_prove:
        reason = "no_template"
    return replace(
        session,
        held=Held.DRAFT,
        known=True,
        minor=event.minor,
        can_prove=event.can_prove,
        reason=reason,
    )


def proven(session: Session, event: Any) -> Session:
    return replace(session, proven=getattr(event, "how", "officer"), resume_step=None)


def finger_done(session: Session, event: Any) -> Session:
    """Not always the one that was asked for: an officer may except any finger."""
    return replace(session, fingers=_fingers_without(session, event.finger), tries=0, doubts=0)


def _fingers_without(session: Session, finger: str) -> tuple[str, ...]:
    return tuple(left for left in session.fingers if left != finger)


def portrait(session: Session, event: Any) -> Session:
    return replace(session, portrait=True, reason="portrait_flagged" if event.flags else session.reason)


def lost(session: Session, event: Any) -> Session:
    return replace(session, lost=session.lost | {event.device})


def lost_here(session: Session, event: Any) -> Session:
    return replace(lost(session, event), reason=f"lost_{event.device}")


def lost_way(session: Session, event: Any) -> Session:
    """Without a camera there is no QR code, without a reader no chip: the other ways are offered again."""
    return replace(lost_here(session, event), way=None, tries=0)


def back(session: Session, event: Any) -> Session:
    return replace(session, lost=session.lost - {event.device})


def store_lost(session: Session, event: Any) -> Session:
    return replace(session, lost=session.lost | {Device.STORE}, reason=event.reason)


def officer(session: Session, event: Any) -> Session:
    return replace(session, officer=event.officer)


def not_issued(session: Session, event: Any) -> Session:
    return replace(session, held=Held.FROZEN, reason=event.reason)


def no_ticket(session: Session, event: Any) -> Session:
    """The record could not be put aside: the visit goes on, whatever was decided about it."""
    return replace(session, reason=event.reason, refused=False)


def voided(session: Session, _: Any) -> Session:
    """The record stays ISSUING; the attempt that may be live is on the void list."""
    return replace(session, at_stake=False)
