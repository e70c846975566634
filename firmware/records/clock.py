"""The journal's clock: it never runs behind what the journal already says (DESIGN section 7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


class JournalClock:
    """Wraps the box's clock (aware datetimes); `now` never goes backwards."""

    def __init__(self, clock: Clock, newest: datetime | None = None) -> None:
        self._clock = clock
        self._newest = newest or datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The moment in UTC, or the newest one the journal has if the box's clock is behind it."""
        self._newest = max(self._newest, self._clock().astimezone(UTC))
        return self._newest

    def stamp(self) -> str:
        return stamp(self.now())


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and a final Z: text that sorts as time does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
