"""An end to a session that a card could keep going for ever: a deadline, and a number of APDUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.chip.errors import CardError
from drivers.passing import PassingReader

if TYPE_CHECKING:
    from drivers.api import ChipReader, Deadline

MOST_APDUS = 20_000
"""More than reading all sixteen data groups of 32 kB, 64 bytes a time, with the selections between them."""


class Endless(CardError):
    """The card answers each question and is never done."""


class Patient(PassingReader):
    """Passes on what is left of `deadline`, and ends a session with Endless.

    Only `transmit` has an end: a reader is let go and reset at any time.
    """

    def __init__(self, reader: ChipReader, deadline: Deadline, most_apdus: int = MOST_APDUS) -> None:
        super().__init__(reader)
        self._deadline = deadline
        self._left = most_apdus

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        left_s = self._deadline.left_s
        if not self._left or not left_s:
            raise Endless(f"after {'its time' if not left_s else 'its APDUs'} the card is not done")
        self._left -= 1
        return super().transmit(apdu, min(timeout_s, left_s))
