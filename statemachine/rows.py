"""What the table is made of: its rows, the groups of states it speaks of, and rows that come in sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from statemachine import effects as fx
from statemachine import events as ev
from statemachine import guards as g
from statemachine import notes as n
from statemachine.session import Session
from statemachine.states import CHIP, S

Ask = Callable[[int, Session], fx.Effect | None]
STAY = None


def ask(effect: type[fx.Effect]) -> Ask:
    return lambda entry, _: effect(entry)


def await_any_badge(entry: int, _: Session) -> fx.Effect | None:
    return fx.AwaitBadge(entry, fresh=True)


@dataclass(frozen=True, slots=True)
class State:
    timeout_s: float | None
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """In `source`, on `event`, if `guard`: note it, ask for `asks`, go to `target` (STAY: no move)."""

    source: S
    event: type[ev.Event]
    target: S | None
    guard: g.Guard | None = None
    note: n.Note | None = None
    asks: tuple[Ask, ...] = ()


VISIT = (
    S.LANGUAGE, S.IDENTIFY, S.PROVE, S.REVIEW, S.CONSENT, S.FINGERS, S.PORTRAIT, S.CONFIRM, S.PLACE_CARD,
)  # fmt: skip
"""Where the person is asked for something: here help can be called and silence is noticed."""

HELPED = (*VISIT, S.LOOKUP, *CHIP)
"""Where help may be given, and led back to."""

STEPS = (*HELPED, S.RECEIPT)
"""The steps a session is at while a side state shows."""

RESUMABLE = (
    S.PROVE, S.REVIEW, S.CONSENT, S.FINGERS, S.PORTRAIT, S.CONFIRM, S.PLACE_CARD, *CHIP, S.RECEIPT,
)  # fmt: skip


def back_to_step(source: S, event: type[ev.Event], steps: tuple[S, ...], *guards: g.Guard) -> list[Row]:
    return [Row(source, event, step, g.all_of(*guards, g.at(step))) for step in steps]


def after_proof(source: S, event: type[ev.Event], *guards: g.Guard) -> list[Row]:
    """Proven: to the step the ticket waits at, else to the review."""
    later = [Row(source, event, step, g.all_of(*guards, g.then(step)), n.proven) for step in RESUMABLE[2:]]
    return [*later, Row(source, event, S.REVIEW, g.all_of(*guards) if guards else None, n.proven)]


def well_again(source: S, event: type[ev.Event], note: n.Note | None, *guards: g.Guard) -> list[Row]:
    """A box that was out of order: to the receipt, to a ticket for what it keeps, or to the greeting."""
    greets = Row(source, event, S.ATTRACT, g.all_of(*guards) if guards else None, note)
    return [*kept(source, event, note, *guards), greets]


def kept(source: S, event: type[ev.Event], note: n.Note | None, *guards: g.Guard) -> list[Row]:
    """To the receipt or to a ticket, which need the store and nothing else."""
    return [
        Row(source, event, S.RECEIPT, g.all_of(*guards, g.complete), note),
        Row(source, event, S.PAUSED, g.all_of(*guards, g.keeps), note),
    ]


def technician_leaves(source: S, event: type[ev.Event], note: n.Note | None, *guards: g.Guard) -> list[Row]:
    """Back to what the technician found, unless the box is well, or well enough for the visit it keeps."""
    still = Row(source, event, S.OUT_OF_ORDER, g.all_of(*guards, g.is_not(g.well)), note)
    greets = Row(source, event, S.ATTRACT, g.all_of(*guards) if guards else None, note)
    return [*kept(source, event, note, *guards, g.is_not(g.store_is_lost)), still, greets]
