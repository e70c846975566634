"""What the inbox brings beside events and answers: touches and the clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tap:
    """A touch at pixel (x, y) of the display."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Act:
    """An action by its name, as if its button had been touched (virtual citizens see no pixels)."""

    action: str


@dataclass(frozen=True, slots=True)
class Tick:
    entry: int


@dataclass(frozen=True, slots=True)
class Expiry:
    """The state's time is over, unless somebody touched the screen since (`version`)."""

    entry: int
    version: int
