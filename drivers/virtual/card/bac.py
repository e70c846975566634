"""Basic Access Control, the chip's verbs for it (Doc 9303-11, 4.3)."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.virtual.card.channel import authenticate, document_seed
from drivers.virtual.card.chip import Chip
from drivers.virtual.card.words import Command, StatusWord, Verb


class BasicAccess:
    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._challenge: bytes | None = None
        self.verbs: Mapping[int, Verb] = {
            0x0084: self._get_challenge,
            0x0082: self._external_authenticate,
        }

    def forget(self) -> None:
        self._challenge = None

    def _get_challenge(self, command: Command) -> bytes:
        if self._chip.access is None:
            raise StatusWord(0x6985)
        if command.ne != 8 or command.p1p2:
            raise StatusWord(0x6700 if command.ne != 8 else 0x6A86)
        self._challenge = self._chip.random(8)
        return self._challenge

    def _external_authenticate(self, command: Command) -> bytes:
        challenge, self._challenge = self._challenge, None
        if self._chip.access is None or challenge is None:
            raise StatusWord(0x6985)
        seed = document_seed(*self._chip.access)
        answer, channel = authenticate(seed, challenge, command.data, self._chip.random(16))
        self._chip.adopt(channel)
        return answer
