"""Who it is: found, proven, or not."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event
from statemachine.session import ATTEMPTS
from statemachine.states import Held, S


@dataclass(frozen=True, slots=True)
class Identified(Event):
    """A number was read or typed; it is plausible, nothing more."""

    way: str


@dataclass(frozen=True, slots=True)
class Unreadable(Event):
    """What was shown or typed is no identity; `reason` is the key of a text."""

    reason: str


@dataclass(frozen=True, slots=True)
class PersonFound(Event):
    """The registry (or the signed extract) knows the person; the draft is on disk.

    `can_prove`: the registry holds a template that this box can compare.
    """

    source: str
    minor: bool
    can_prove: bool


@dataclass(frozen=True, slots=True)
class PersonUnknown(Event):
    """The registry answered, and not with this person; `reason` is the key of a text."""

    reason: str


@dataclass(frozen=True, slots=True)
class RegistryAway(Event):
    """Neither the line nor the extract on the box could answer."""


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """A waiting or interrupted record was opened again: what is held, the step it is at, fingers left.

    `prove_again`: whoever stands there must first prove that the record is theirs. `known`: the registry
    had the person. `at_stake`: a card of the present attempt may be live. `attempts`: as in `Agreed`.
    """

    held: Held
    step: S
    fingers: tuple[str, ...]
    prove_again: bool
    minor: bool = False
    known: bool = True
    can_prove: bool = True
    at_stake: bool = False
    attempts: int = ATTEMPTS


@dataclass(frozen=True, slots=True)
class Proven(Event):
    """The person is the one whose number was given; `how` goes into the record."""

    how: str


@dataclass(frozen=True, slots=True)
class NotProven(Event):
    reason: str
