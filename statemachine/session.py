"""What the flow knows of a visit. Nothing personal: no name, no number, no picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from statemachine.states import Device, Held, S

FINGERS: tuple[str, ...] = tuple(
    f"{hand}_{finger}"
    for hand in ("right", "left")
    for finger in ("thumb", "index", "middle", "ring", "little")
)
"""The order in which fingers are asked for (ISO/IEC 19794-4 positions 1..10)."""
ATTEMPTS = 3
"""How often one of them is asked for, until the rule pack has said otherwise (BSI TR-03121-3)."""


class Outcome(StrEnum):
    """How a visit ends; ABANDONED purges a record of which nothing was kept, TICKET lets it wait."""

    ABANDONED = "abandoned"
    TICKET = "ticket"
    REFUSED = "refused"
    COMPLETED = "completed"


class Aim(StrEnum):
    """Why an officer's PIN is asked for."""

    ASSIST = "assist"
    TECHNICIAN = "technician"
    UNLOCK = "unlock"


class Swap(StrEnum):
    """Which end of a swap this box is."""

    GIVE = "give"
    TAKE = "take"


class Stage(StrEnum):
    """Where a swap stands (`statemachine.swap_rows`)."""

    STICK = "stick"
    FOUND = "found"
    CODE = "code"
    BLANKS = "blanks"
    GO = "go"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Session:
    """One visit: `step` is the procedure's state that side states come back to."""

    language: str = "vi"
    way: str | None = None
    held: Held = Held.NOTHING
    at_stake: bool = False
    """A card of the present attempt may be live (DESIGN section 6, step 4)."""
    step: S = S.ATTRACT
    resume_step: S | None = None
    fingers: tuple[str, ...] = FINGERS
    tries: int = 0
    attempts: int = ATTEMPTS
    """How often the rule pack asks for a finger."""
    doubts: int = 0
    """How often an impression of this finger was hardly this finger."""
    reason: str | None = None
    minor: bool = False
    guardian: bool = False
    can_prove: bool = True
    known: bool = False
    portrait: bool = False
    proven: str | None = None
    officer: str | None = None
    aim: Aim = Aim.ASSIST
    refused: bool = False
    ticket: bool = False
    sealed: bool = False
    lost: frozenset[Device] = frozenset()
    trouble: str = ""
    """Why the store or the place is lost, as a key; it outlives the screens that show it."""
    swap: Swap | None = None
    stage: Stage = Stage.STICK
    coded: bool = True
    """The recovery code is known, or not needed."""
    counted: bool = False

    def fresh(self) -> Session:
        """The next visit: only what is true of the box stays."""
        return Session(lost=self.lost, trouble=self.trouble)

    def failed(self, reason: str) -> Session:
        return replace(self, tries=self.tries + 1, reason=reason)

    @property
    def keeps(self) -> bool:
        """Something was done that must not be lost: leaving makes a ticket."""
        begun = self.proven is not None or self.resume_step is not None
        return self.held not in (Held.NOTHING, Held.DRAFT) or (self.held is Held.DRAFT and begun)

    @property
    def outcome(self) -> Outcome:
        if self.refused:
            return Outcome.REFUSED
        if self.held is Held.COMPLETE:
            return Outcome.COMPLETED
        return Outcome.TICKET if self.ticket else Outcome.ABANDONED
