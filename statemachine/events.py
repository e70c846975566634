"""What can happen. An event is a fact: a touch, an answer of a worker, a timer, something in the world.

`entry` is the entry number of the state that asked (STYLE rule 4): an event that carries another one than the
flow's present entry is late and never moves it. Facts about the world carry None and are always heard.
"""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.session import FINGERS
from statemachine.states import Device, Held, Role, S


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    entry: int | None = None


# --- the person ------------------------------------------------------------------------------------


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

    `fingers`: all ten, in the order in which the rule pack has them taken.
    """

    eid: bool
    fingers: tuple[str, ...] = FINGERS


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


# --- who it is -------------------------------------------------------------------------------------


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
    had the person. `at_stake`: a card of the present attempt may be live.
    """

    held: Held
    step: S
    fingers: tuple[str, ...]
    prove_again: bool
    minor: bool = False
    known: bool = True
    can_prove: bool = True
    at_stake: bool = False


@dataclass(frozen=True, slots=True)
class Proven(Event):
    """The person is the one whose number was given; `how` goes into the record."""

    how: str


@dataclass(frozen=True, slots=True)
class NotProven(Event):
    reason: str


# --- what is captured (each is on disk before the event is posted) -----------------------------------


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


# --- the chip --------------------------------------------------------------------------------------


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
    """No right to issue could be had now: the line is down."""


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


# --- officers and technicians -----------------------------------------------------------------------


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


# --- the world --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceLost(Event):
    device: Device


@dataclass(frozen=True, slots=True)
class DeviceBack(Event):
    device: Device


@dataclass(frozen=True, slots=True)
class StoreFailed(Event):
    """The disk did not take what was to be kept; nothing was shown as accepted."""

    reason: str
