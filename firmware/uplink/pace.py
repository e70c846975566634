"""How fast the box may send, and when it tries again. Seconds are counted, never read from a calendar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from firmware.uplink.errors import CentreUnreachable, Stopped

PORTION_BYTES = 16 << 10
SLOWEST_BYTES_S = 2 << 10
"""A line that carries less than this is as good as none: the chunk is given up."""
GRACE_S = 10.0
BASE_S = 2.0

Pause = Callable[[float], bool]
"""Waits so many seconds at most; True: whoever asked does not want it any more."""


class Pace:
    """Hands out a chunk in portions, no faster than `most_kbit_s` (0: as fast as it goes).

    A burst is one portion: what was not sent in time is not made up for.
    """

    def __init__(self, most_kbit_s: int, pause: Pause, clock: Callable[[], float] = time.monotonic) -> None:
        self._bytes_s = most_kbit_s * 1000 / 8
        self._pause = pause
        self._clock = clock
        self._free_at = 0.0

    def portions(self, chunk: bytes) -> Iterator[bytes]:
        """Raises Stopped between two portions, CentreUnreachable when the chunk takes for ever."""
        left_s = GRACE_S + len(chunk) / SLOWEST_BYTES_S
        for start in range(0, len(chunk), PORTION_BYTES):
            portion = chunk[start : start + PORTION_BYTES]
            self.take(len(portion))
            began = self._clock()
            yield portion
            left_s -= self._clock() - began
            if left_s < 0:
                raise CentreUnreachable("the line carries next to nothing")

    def take(self, count: int) -> None:
        """Wait until `count` bytes may go out. Raises Stopped."""
        now = self._clock()
        if self._pause(max(0.0, self._free_at - now) if self._bytes_s else 0.0):
            raise Stopped("the upload was stopped")
        if self._bytes_s:
            self._free_at = max(self._free_at, now) + count / self._bytes_s


@dataclass(slots=True)
class Retry:
    """When to try again: full jitter under a ceiling that doubles with each try that brought nothing."""

    random: Callable[[], float]
    most_s: float
    tries: int = 0

    def failed(self, moved: bool = False) -> float:
        """Seconds to wait. `moved`: the try failed, but brought something across: the line is there."""
        self.tries = 1 if moved else self.tries + 1
        return backoff_s(self.tries, self.random, BASE_S, self.most_s)

    def went_well(self) -> None:
        self.tries = 0


def backoff_s(tries: int, random: Callable[[], float], base_s: float = BASE_S, cap_s: float = 300.0) -> float:
    """Seconds to wait after `tries` failed ones (from 1): full jitter under a doubling, capped ceiling.

    `random` gives 0..1; every box draws its own, so that they do not all come back at once.
    """
    ceiling = min(cap_s, base_s * 2.0 ** min(max(tries, 1) - 1, 30))
    return random() * ceiling
