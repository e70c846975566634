"""One attempt at a card, as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from firmware.document.image import CardImage
from firmware.document.lds import Fid
from firmware.issue.errors import OutOfOrder
from firmware.issue.mark import Mark
from firmware.issue.ports import Attempt


@dataclass(frozen=True, slots=True)
class Work:
    """`apdus_before`: of the card's counter, when `mark` was kept or read."""

    record_id: str
    attempt: Attempt
    image: CardImage
    mark: Mark
    sod: bytes | None
    apdus_before: int

    @classmethod
    def of(cls, record_id: str, attempt: Attempt, apdus: int) -> Self:
        """Raises OutOfOrder for an attempt that cannot be."""
        if attempt.issuing and attempt.sod is None:
            raise OutOfOrder("ISSUING without an EF.SOD")
        image, mark = CardImage.from_bytes(attempt.image), Mark.parse(attempt.stage)
        return cls(record_id, attempt, image, mark, attempt.sod, apdus)

    def with_new_keys(self) -> Self:
        """The same content for another blank."""
        return replace(self, image=self.image.with_new_keys())

    @property
    def content_bytes(self) -> int:
        return sum(map(len, self.image.files.values()))

    @property
    def files(self) -> dict[int, bytes]:
        """All that the card must hold. Raises OutOfOrder before there is a SOD."""
        if self.sod is None:
            raise OutOfOrder("no EF.SOD was signed")
        return {**self.image.files, Fid.SOD: self.sod}
