"""The floor of a card's time: a tape of what passed, and a card that plays its side of it back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.passing import PassingReader

if TYPE_CHECKING:
    from drivers.api import ChipReader

ATR = bytes.fromhex("3B80800101")


class Tape(PassingReader):
    """Keeps every command and answer; `laps` are the seconds from one answer to the next."""

    def __init__(self, reader: ChipReader) -> None:
        super().__init__(reader)
        self.laps: list[float] = []
        self._at_s = time.perf_counter()
        self._passed: list[tuple[bytes, bytes]] = []
        self._resets: list[int] = []  # after so many APDUs

    def connect(self, timeout_s: float = 5.0) -> bytes:
        self._resets.append(len(self._passed))
        return super().connect(timeout_s)

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        answer = super().transmit(apdu, timeout_s)
        self._lap()
        self._passed.append((apdu, answer))
        return answer

    @property
    def wire_bytes(self) -> int:
        """Both ways."""
        return sum(len(command) + len(answer) for command, answer in self._passed)

    def replay(self) -> Sequence[float]:
        """Reset and send all that was sent, to whatever card lies there now; its laps."""
        self.laps, self._at_s = [], time.perf_counter()
        for at, (command, _) in enumerate(self._passed):
            if at in self._resets:
                self._device.disconnect()
                self._device.connect()
            self._device.transmit(command, 5.0)
            self._lap()
        return self.laps

    def _lap(self) -> None:
        now_s = time.perf_counter()
        self.laps.append(now_s - self._at_s)
        self._at_s = now_s

    def answers(self) -> Sequence[bytes]:
        return [answer for _, answer in self._passed]


class Halves(PassingReader):
    """Counts the CPU seconds of what lies below it: with a virtual reader, the card's own work."""

    spent_s = 0.0

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        began = time.thread_time()
        try:
            return super().transmit(apdu, timeout_s)
        finally:
            self.spent_s += time.thread_time() - began


class EchoCard:
    """Gives one answer after the other, whatever it is asked; does no work of its own."""

    atr = ATR

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = iter(answers)

    def power_on(self) -> bytes:
        return ATR

    def power_off(self) -> None:
        """It holds nothing that power would keep."""

    def transmit(self, _: bytes) -> bytes:
        return next(self._answers)
