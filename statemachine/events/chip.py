"""The card on the reader, the right to write it, and what was written."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event


@dataclass(frozen=True, slots=True)
class CardSeen(Event):
    """A card lies on the reader; `kind` as DESIGN section 6: blank, ours, foreign."""

    kind: str


@dataclass(frozen=True, slots=True)
class CardMoved(Event):
    """The card left the field in the middle of its work, or another one lies there; a text's key."""

    reason: str = "hold_card_still"


@dataclass(frozen=True, slots=True)
class IssuingBegan(Event):
    """ISSUING is committed: from here the record only goes forward."""


@dataclass(frozen=True, slots=True)
class ChipWritten(Event): ...


@dataclass(frozen=True, slots=True)
class ChipVerified(Event): ...


@dataclass(frozen=True, slots=True)
class ChipLocked(Event):
    """The lock is proven and the record COMPLETE, in that order."""


@dataclass(frozen=True, slots=True)
class ChipBroken(Event):
    """This card will not become good; an officer voids it. `reason` is the key of a text."""

    reason: str


@dataclass(frozen=True, slots=True)
class SignerAway(Event):
    """No right to issue could be had now: the line is down, or `reason` is why this box may not by itself."""

    reason: str = "signer_away"


@dataclass(frozen=True, slots=True)
class SignerRefused(Event):
    reason: str


@dataclass(frozen=True, slots=True)
class Sealed(Event):
    """The finished record lies sealed in the outbox."""


@dataclass(frozen=True, slots=True)
class SealPutOff(Event):
    """The finished record is kept, but cannot be sealed now; it is tried again at each start."""

    reason: str


@dataclass(frozen=True, slots=True)
class TicketMade(Event): ...
