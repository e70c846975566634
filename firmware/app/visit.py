"""What the box knows of the person before it: private, in memory, gone when the visit ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware.quality.best import Score
from statemachine.events import Event

if TYPE_CHECKING:  # pictures and matching are not for the greeting to wait for
    from firmware.quality.finger_capture import Sample
    from firmware.quality.match import Finding

TICKET_QR = "idkiosk:ticket:"


@dataclass(frozen=True, slots=True)
class Doubted:
    """An impression that may not be the finger that was asked for; an officer may take it all the same."""

    finding: Finding
    sample: Sample = field(repr=False)
    template: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a swap moves, or has moved: `facts` as a screen shows them, `stated` blanks of the other box."""

    source: Path | None = None
    facts: tuple[tuple[str, str], ...] = ()
    stated: int | None = None
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's visit. Never logged: `repr` shows the record's id only."""

    record_id: str | None = None
    number: str = field(default="", repr=False)
    case: str = "first_issue"
    subject: Mapping[str, str] = field(default_factory=dict, repr=False)
    card_says: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the old card's QR code or chip says: the registry must agree."""
    old_card: Mapping[str, Any] = field(default_factory=lambda: {"read": "none"})
    """How it was read, as the record has it."""
    templates: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The registry's, by position."""
    prove_with: str = ""
    impressions: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Templates of the fingers that were taken so far."""
    doubted: Doubted | None = field(default=None, repr=False)
    unsure: frozenset[str] = frozenset()
    """Fingers that were asked for again because they were a little like another."""
    allowed: frozenset[tuple[str, str]] = frozenset()
    """Pairs of a finger and what it is like: an officer has looked at both."""
    wrong: frozenset[str] = frozenset()
    eid: bool = False
    attempts: Mapping[str, tuple[Score, ...]] = field(default_factory=dict)
    fingers_good: int = 0
    fingers_excepted: tuple[str, ...] = ()
    fingers_done: tuple[str, ...] = ()
    portrait: bytes = field(default=b"", repr=False)
    ticket: str = ""
    ticket_until: str = ""
    receipt: str = ""
    card_due: str = ""
    """DD/MM/YYYY where the card is made elsewhere."""
    badge: str = ""
    officer_name: str = field(default="", repr=False)
    first_officer: str = ""
    tries_left: int = 5
    sheet: Sheet = Sheet()
    code: str = field(default="", repr=False)
    """The station's recovery code, while a swap needs it."""
    blanks: int = 0

    @property
    def record(self) -> str:
        """The record's id, in states that are entered with one."""
        assert self.record_id is not None  # noqa: S101  else it is a bug of the flow
        return self.record_id


@dataclass(frozen=True, slots=True)
class Learned:
    """A job's answer: the event for the flow, and what the visit knows from now on."""

    event: Event
    visit: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame on its way to the screen, with the hint for it; `good` of `wanted` frames in a row are good.

    `done` of `of` files of a swap are whole.
    """

    entry: int
    pixels: Any = field(default=None, repr=False)
    hint: str = ""
    good: int = 0
    score: int | None = None
    estimate: bool = True
    lift: bool = False
    fraction: float | None = None
    done: int = 0
    of: int = 0
