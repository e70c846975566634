"""What the flow asks of the shell. An effect carries the entry number its answers must bear."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events import Event
from statemachine.session import Outcome, Swap
from statemachine.states import S


@dataclass(frozen=True, slots=True)
class Effect:
    entry: int


@dataclass(frozen=True, slots=True)
class Enter(Effect):
    """The flow is now in `state`: show its screen."""

    state: S


@dataclass(frozen=True, slots=True)
class StopWork(Effect):
    """Whatever was asked under this entry is no longer wanted (its facts are still journalled)."""


@dataclass(frozen=True, slots=True)
class StartTimer(Effect):
    seconds: float


@dataclass(frozen=True, slots=True)
class Late(Effect):
    """An answer to an earlier entry: it moves nothing, and is written down."""

    event: Event


@dataclass(frozen=True, slots=True)
class ReadIdentity(Effect):
    """Watch the camera for a QR code, or the reader for the old chip; typed ways need no device."""

    way: str


@dataclass(frozen=True, slots=True)
class LookUp(Effect): ...


@dataclass(frozen=True, slots=True)
class ProveFinger(Effect): ...


@dataclass(frozen=True, slots=True)
class CaptureFinger(Effect):
    finger: str


@dataclass(frozen=True, slots=True)
class TakePortrait(Effect): ...


@dataclass(frozen=True, slots=True)
class Freeze(Effect): ...


@dataclass(frozen=True, slots=True)
class AwaitCard(Effect): ...


@dataclass(frozen=True, slots=True)
class WriteChip(Effect): ...


@dataclass(frozen=True, slots=True)
class VerifyChip(Effect): ...


@dataclass(frozen=True, slots=True)
class LockChip(Effect): ...


@dataclass(frozen=True, slots=True)
class Seal(Effect): ...


@dataclass(frozen=True, slots=True)
class MakeTicket(Effect): ...


@dataclass(frozen=True, slots=True)
class CallOfficer(Effect): ...


@dataclass(frozen=True, slots=True)
class AwaitBadge(Effect):
    """A staff card; where nobody called for one (`fresh`), a card that lies there already is passed over."""

    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Examine(Effect):
    """Measure every device against its limits for the technician's screen."""


@dataclass(frozen=True, slots=True)
class AwaitStick(Effect):
    """Watch for a stick and say what is on it; for GIVE any that can be written."""

    swap: Swap


@dataclass(frozen=True, slots=True)
class ReadCode(Effect):
    """Watch the camera for the recovery code; typing it needs no device."""


@dataclass(frozen=True, slots=True)
class MoveBox(Effect):
    """Write this box's work onto the stick, or take what is on it."""

    swap: Swap


@dataclass(frozen=True, slots=True)
class EndVisit(Effect):
    """The visit is over: close the record as `outcome` says and forget everything private."""

    outcome: Outcome
