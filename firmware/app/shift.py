"""The fingers of this shift's officers: in memory only, so that theirs are not taken for a citizen's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType


class Shift:
    """Officers who signed in today, with the registry's templates of their fingers. From any thread."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._templates: Mapping[str, Sequence[bytes]] = MappingProxyType({})

    def knows(self, officer: str, day: date) -> bool:
        return officer in self.templates(day)

    def join(self, officer: str, templates: Sequence[bytes], day: date) -> None:
        """An officer signed in; of an earlier day nothing is kept."""
        self._templates = MappingProxyType({**self.templates(day), officer: tuple(templates)})
        self._day = day

    def templates(self, day: date) -> Mapping[str, Sequence[bytes]]:
        """Officer's id → templates."""
        return self._templates if self._day == day else MappingProxyType({})
