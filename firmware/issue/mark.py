"""How far an attempt came and how sure it is which card it was: one line in the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from firmware.issue.errors import OutOfOrder


class Stage(StrEnum):
    """What is durable about an attempt. The order is the order of the transaction."""

    FRESH = ""  # no card was touched
    KEYS = "keys"  # access keys may be on a card
    FILES = "files"  # access keys are on a card; data groups and EF.COM may be
    VERIFIED = "verified"  # data groups and EF.COM were read back and are right
    WRITTEN = "written"  # all of EF.SOD was sent and acknowledged (the record is ISSUING)
    AUTHENTIC = "authentic"  # all was read back and passed passive authentication
    LOCKED = "locked"  # the card answered the lock

    @property
    def rank(self) -> int:
        return list(Stage).index(self)


@dataclass(frozen=True, slots=True)
class Mark:
    """`Attempt.stage` in parts, written `STAGE [again] [card=SERIAL]`.

    `again`: access keys went to a card more than once, so two cards may have them. `serial`: the
    card's own identifier where its dialect has one.
    """

    stage: Stage = Stage.FRESH
    again: bool = False
    serial: str | None = None

    def at(self, stage: Stage) -> Self:
        """The same card, further on."""
        return replace(self, stage=stage)

    def reached(self, stage: Stage) -> bool:
        return self.stage.rank >= stage.rank

    def text(self) -> str:
        card = [f"card={self.serial}"] if self.serial else []
        return " ".join([self.stage.value, *(["again"] if self.again else []), *card])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises OutOfOrder for a line that no `text` wrote."""
        stage, *rest = text.split(" ")
        serial = next((word[5:] for word in rest if word.startswith("card=")), None)
        try:
            mark = cls(Stage(stage), "again" in rest, serial)
        except ValueError as exc:
            raise OutOfOrder(f"a stage {stage!r} that this program does not know") from exc
        if mark.text() != text:
            raise OutOfOrder(f"a stage line {text!r} that this program did not write")
        return mark
