"""Counts bytes into progress that never goes back."""

from __future__ import annotations

from collections.abc import Callable

from firmware.issue.ports import IssueProgress


class Meter:
    """One call's progress bar: `total_bytes` is what the whole call moves at most."""

    def __init__(self, report: Callable[[IssueProgress], None], total_bytes: int) -> None:
        self._report = report
        self._total = total_bytes
        self._done = 0
        self._step = ""

    def begin(self, step: str) -> None:
        self._step = step
        self.add(0)

    def add(self, count: int) -> None:
        self._done = min(self._total, self._done + count)
        self._report(IssueProgress(self._step, self._done, self._total))

    def finish(self) -> None:
        self.add(self._total)
