"""An end to a session that a card could keep going for ever: a deadline, and a number of APDUs."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from drivers.chip.errors import CardError

if TYPE_CHECKING:
    from drivers.api import ChipReader, Deadline, DeviceInfo

MOST_APDUS = 20_000
"""More than reading all sixteen data groups of 32 kB, 64 bytes a time, with the selections between them."""


class Endless(CardError):
    """The card answers each question and is never done."""


class Patient:
    """`drivers.api.ChipReader` that passes on what is left of `deadline`, and ends a session with Endless.

    Only `transmit` has an end: a reader is let go and reset at any time.
    """

    def __init__(self, reader: ChipReader, deadline: Deadline, most_apdus: int = MOST_APDUS) -> None:
        self._reader = reader
        self._deadline = deadline
        self._left = most_apdus

    @property
    def info(self) -> DeviceInfo:
        return self._reader.info

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.__exit__(kind, error, trace)

    def await_card(self, present: bool, timeout_s: float) -> bool:
        return self._reader.await_card(present, timeout_s)

    def connect(self, timeout_s: float = 5.0) -> bytes:
        return self._reader.connect(timeout_s)

    def disconnect(self) -> None:
        self._reader.disconnect()

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        left_s = self._deadline.left_s
        if not self._left or not left_s:
            raise Endless(f"after {'its time' if not left_s else 'its APDUs'} the card is not done")
        self._left -= 1
        return self._reader.transmit(apdu, min(timeout_s, left_s))
