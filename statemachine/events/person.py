"""What a person does at the screen, and silence."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event
from statemachine.session import ATTEMPTS, FINGERS


@dataclass(frozen=True, slots=True)
class Started(Event):
    """Somebody touched the greeting."""


@dataclass(frozen=True, slots=True)
class LanguageChosen(Event):
    language: str


@dataclass(frozen=True, slots=True)
class WayChosen(Event):
    """How the person wants to say who they are: qr, chip, number or ticket."""

    way: str


@dataclass(frozen=True, slots=True)
class Confirmed(Event):
    """The primary button: every field seen, or all is right, or go on."""


@dataclass(frozen=True, slots=True)
class FieldWrong(Event):
    field: str


@dataclass(frozen=True, slots=True)
class Agreed(Event):
    """Consent to the processing named on the screen; `eid`: an account is asked for as well.

    `fingers`: all ten, in the order in which the rule pack has them taken; `attempts`: how often it asks for
    one of them.
    """

    eid: bool
    fingers: tuple[str, ...] = FINGERS
    attempts: int = ATTEMPTS


@dataclass(frozen=True, slots=True)
class Declined(Event): ...


@dataclass(frozen=True, slots=True)
class BackPressed(Event): ...


@dataclass(frozen=True, slots=True)
class HelpPressed(Event): ...


@dataclass(frozen=True, slots=True)
class StopPressed(Event):
    """The person wants to leave now."""


@dataclass(frozen=True, slots=True)
class StillHere(Event): ...


@dataclass(frozen=True, slots=True)
class TechnicianPressed(Event):
    """On the team's screen: examine the box."""


@dataclass(frozen=True, slots=True)
class TimedOut(Event):
    """The state's time is over."""
