"""The one thread that owns the flow, the screen and the timers: an inbox, timers, an injected clock."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], float]


class Loop:
    """Messages come in from any thread; `handle` is called for one after the other on the loop's own."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._timers: list[tuple[float, int, Any]] = []
        self._order = itertools.count()
        self._ended = False

    def post(self, message: Any) -> None:
        """Hand over a message; callable from any thread."""
        self._inbox.put(message)

    def after(self, seconds: float, message: Any) -> None:
        """Have `message` handled in `seconds`; it carries its entry number, so it needs no cancelling."""
        heapq.heappush(self._timers, (self.clock() + seconds, next(self._order), message))

    def end(self) -> None:
        """Make `run` return after the present message."""
        self._ended = True
        self._inbox.put(None)

    def run(self, handle: Callable[[Any], None]) -> None:
        self._ended = False
        while not self._ended:
            message = self._next()
            if message is not None:
                handle(message)

    def _next(self) -> Any:
        if self._timers and self._timers[0][0] <= self.clock():
            return heapq.heappop(self._timers)[2]
        wait_s = max(0.0, self._timers[0][0] - self.clock()) if self._timers else None
        try:
            return self._inbox.get(timeout=wait_s)
        except queue.Empty:
            return None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mailbox has something new; many puts between two looks make one message."""

    box: Mailbox


class Mailbox:
    """One slot for frames: the newest wins, and a slow reader never makes a queue."""

    def __init__(self, post: Callable[[Any], None]) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._slot: Any = None

    def put(self, value: Any) -> None:
        with self._lock:
            waiting, self._slot = self._slot is not None, value
        if not waiting:
            self._post(Arrived(self))

    def take(self) -> Any:
        with self._lock:
            value, self._slot = self._slot, None
        return value
