"""Officers and technicians: their cards, PINs and acts."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event
from statemachine.states import Role


@dataclass(frozen=True, slots=True)
class BadgeRead(Event):
    """A staff card lies on the staff reader."""


@dataclass(frozen=True, slots=True)
class PinAccepted(Event):
    officer: str
    role: Role


@dataclass(frozen=True, slots=True)
class PinRefused(Event):
    tries_left: int


@dataclass(frozen=True, slots=True)
class Unlocked(Event):
    """The keys of a box that was just switched on are open: now its store can be."""

    officer: str


@dataclass(frozen=True, slots=True)
class SecondAccepted(Event):
    """Another officer has confirmed too: the act that waited for four eyes may be done."""

    officer: str


@dataclass(frozen=True, slots=True)
class Attested(Event):
    """The officer vouches for who this is; written down with their name."""


@dataclass(frozen=True, slots=True)
class GuardianPresent(Event):
    """The officer has seen the guardian of a person under 14."""


@dataclass(frozen=True, slots=True)
class CorrectionNoted(Event):
    """The field marked wrong is written down as a correction case."""


@dataclass(frozen=True, slots=True)
class PortraitApproved(Event):
    """The officer takes the portrait with its flags."""


@dataclass(frozen=True, slots=True)
class CardVoided(Event):
    """Two officers have put the lost or broken card on the void list; a new attempt may begin."""


@dataclass(frozen=True, slots=True)
class ActRefused(Event):
    """An officer's act was not allowed (role, four eyes); `reason` is the key of a text."""

    reason: str


@dataclass(frozen=True, slots=True)
class VisitRefused(Event):
    """The officer ends the visit for a legal reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class PauseAsked(Event): ...


@dataclass(frozen=True, slots=True)
class ReturnAsked(Event):
    """Back to the step the visit was at."""
