"""What the session knows once a row of the table is taken: small pure functions of (session, event)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statemachine.guards import fingers_without, found_minor
from statemachine.session import Session, Stage
from statemachine.states import Device, Held, S

Note = Callable[[Session, Any], Session]


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
    """The rule pack's order, for as many fingers as are still to be taken, and how often it asks for one."""
    left = tuple(finger for finger in event.fingers if finger in session.fingers)
    return replace(session, fingers=left, attempts=event.attempts)


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
        attempts=event.attempts,
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
    return replace(session, fingers=fingers_without(session, event.finger), tries=0, doubts=0)


def portrait(session: Session, event: Any) -> Session:
    return replace(session, portrait=True, reason="portrait_flagged" if event.flags else session.reason)


def lost(session: Session, event: Any) -> Session:
    return replace(session, lost=session.lost | {event.device}, trouble=event.reason or session.trouble)


def lost_here(session: Session, event: Any) -> Session:
    return replace(lost(session, event), reason=f"lost_{event.device}")


def lost_way(session: Session, event: Any) -> Session:
    """Without a camera there is no QR code, without a reader no chip: the other ways are offered again."""
    return replace(lost_here(session, event), way=None, tries=0)


def back(session: Session, event: Any) -> Session:
    told = event.device in (Device.STORE, Device.PLACE)
    return replace(session, lost=session.lost - {event.device}, trouble="" if told else session.trouble)


def store_lost(session: Session, event: Any) -> Session:
    return replace(session, lost=session.lost | {Device.STORE}, reason=event.reason, trouble=event.reason)


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


# --- a swap ----------------------------------------------------------------------------------------


def stage(to: Stage, also: Note = lambda session, _: session) -> Note:
    return lambda session, event: replace(also(session, event), stage=to)


def stick(session: Session, event: Any) -> Session:
    """What was scanned or counted before a stick was pulled is not asked for again."""
    known = session.coded and session.counted
    return replace(session, stage=Stage.FOUND, coded=known or not event.code)


def wrong_code(session: Session, event: Any) -> Session:
    return replace(session, coded=False, reason=event.reason)
