"""One hint at a time: a person cannot follow advice that changes with every frame."""

from __future__ import annotations

HOLD_S = 0.4


class SteadyHint:
    """What is shown. A new hint, or none, counts once every frame has said so for `hold_s`."""

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self._hold_s = hold_s
        self._shown: str | None = None
        self._coming: str | None = None
        self._since_s = 0.0

    def say(self, hint: str | None, now_s: float) -> str | None:
        """Hear what the newest frame says at `now_s`; return what to show."""
        if hint != self._coming:
            self._coming, self._since_s = hint, now_s
        if now_s - self._since_s >= self._hold_s:
            self._shown = hint
        return self._shown
