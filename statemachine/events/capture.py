"""What is captured; each is on disk before its event is posted."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event


@dataclass(frozen=True, slots=True)
class FingerKept(Event):
    """`finger` has its sample or its exception: go to the next one."""

    finger: str


@dataclass(frozen=True, slots=True)
class FingerAgain(Event):
    """The attempt is kept, but it was not good enough and there is another one; `hint` is a text's key."""

    finger: str
    hint: str


@dataclass(frozen=True, slots=True)
class FingerDoubted(Event):
    """The impression is hardly of the finger that was asked for (BSI TR-03121-3: uniqueness).

    Nothing of it is kept; `reason` is the key of a text. No attempt is used up.
    """

    finger: str
    reason: str


@dataclass(frozen=True, slots=True)
class FingerFailed(Event):
    """All attempts are used up and none gave a sample: an officer writes an exception."""

    finger: str


@dataclass(frozen=True, slots=True)
class PortraitKept(Event):
    """A portrait is on disk; `flags` are the checks it does not pass (then an officer decides)."""

    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NobodyThere(Event):
    """No finger, no face, no card came in the time for it."""


@dataclass(frozen=True, slots=True)
class RecordFrozen(Event):
    """All parts stand; the card image is durable. `issue`: this box may write a card now; else `reason`.

    `complete`: no card is made at this station, and the record needs none to be complete.
    """

    issue: bool
    reason: str = "no_issue"
    complete: bool = False


@dataclass(frozen=True, slots=True)
class StepFailed(Event):
    """What the step asked for cannot be done, and not for want of a device; `reason` is the key of a text."""

    reason: str
