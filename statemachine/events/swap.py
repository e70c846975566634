"""One box takes another's place: what a technician chooses and what the stick says (docs/field-swap.md)."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event


@dataclass(frozen=True, slots=True)
class HandOverPressed(Event):
    """Give this box's work away."""


@dataclass(frozen=True, slots=True)
class TakeOverPressed(Event):
    """Take another box's place."""


@dataclass(frozen=True, slots=True)
class StickFound(Event):
    """A stick is in and was read. `code`: drafts lie on it that only the recovery code opens."""

    code: bool


@dataclass(frozen=True, slots=True)
class CodeRead(Event):
    """Twelve digits were scanned or typed; whether they are right is known when they are used."""


@dataclass(frozen=True, slots=True)
class BlanksCounted(Event): ...


@dataclass(frozen=True, slots=True)
class SwapDone(Event):
    """All of it is durable, here or on the stick."""


@dataclass(frozen=True, slots=True)
class SwapRefused(Event):
    """Nothing half-done counts; `reason` is a key of the error catalogue."""

    reason: str
