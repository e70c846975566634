"""A virtual card that outlives the process that holds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.virtual.card.card import VirtualCard


class SavedCard(VirtualCard):
    """Lives in a file: what the card did is there before its answer is."""

    file: Path
    answered: Callable[[SavedCard], None]

    @classmethod
    def at(
        cls, file: Path, blank: VirtualCard, answered: Callable[[SavedCard], None] = lambda _: None
    ) -> SavedCard:
        """The card in `file`, or one like `blank`. `answered` is called after each APDU was saved."""
        card = cls.from_bytes(file.read_bytes() if file.exists() else blank.to_bytes())
        assert isinstance(card, SavedCard)  # noqa: S101  a class method of ours
        card.file, card.answered = file, answered
        card._save()
        return card

    def transmit(self, apdu: bytes) -> bytes:
        answer = super().transmit(apdu)
        self._save()
        self.answered(self)
        return answer

    def _save(self) -> None:
        """Whole or not at all; a killed process leaves what the kernel has, so nothing is synced."""
        beside = self.file.with_suffix(".new")
        beside.write_bytes(self.to_bytes())
        beside.replace(self.file)
