"""How far an attempt came and how sure it is which card it was: one line in the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self
from urllib.parse import quote, unquote

from firmware.issue.errors import OutOfOrder


class Stage(StrEnum):
    """What is durable about an attempt. The order is the order of the transaction."""

    FRESH = ""  # no card was touched
    KEYS = "keys"  # access keys may be on a card
    FILES = "files"  # access keys are on a card; data groups and EF.COM may be
    VERIFIED = "verified"  # data groups and EF.COM were read back, the chip proved its keys
    WRITTEN = "written"  # all of EF.SOD was sent and acknowledged (the record is ISSUING)
    AUTHENTIC = "authentic"  # all was read back and passed passive authentication
    LOCKED = "locked"  # the card answered the lock

    @property
    def rank(self) -> int:
        return list(Stage).index(self)


@dataclass(frozen=True, slots=True)
class Mark:
    """`Attempt.stage` in parts, written `STAGE [again] apdus=N [card=SERIAL]`.

    `again`: access keys went to a card more than once, so two cards may have them. `apdus`: sent up
    to here, less what was torn. `serial`: the card's own identifier where its dialect has one.
    """

    stage: Stage = Stage.FRESH
    again: bool = False
    apdus: int = 0
    serial: str | None = None

    def at(self, stage: Stage) -> Self:
        """The same card, further on."""
        return replace(self, stage=stage)

    def after(self, apdus: int) -> Self:
        """The same place, that many APDUs later."""
        return replace(self, apdus=self.apdus + apdus)

    def reached(self, stage: Stage) -> bool:
        return self.stage.rank >= stage.rank

    def text(self) -> str:
        if self == Mark():
            return ""
        again = ["again"] if self.again else []
        card = [f"card={quote(self.serial)}"] if self.serial else []
        return " ".join([self.stage.value, *again, f"apdus={self.apdus}", *card])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises OutOfOrder for a line that no `text` wrote."""
        stage, *rest = text.split(" ")
        said = dict(word.split("=", 1) for word in rest if "=" in word)
        serial = unquote(said["card"]) if "card" in said else None
        try:
            mark = cls(Stage(stage), "again" in rest, int(said.get("apdus", "0")), serial)
        except ValueError as exc:
            raise OutOfOrder(f"a stage {stage!r} that this program does not know") from exc
        if mark.text() != text:
            raise OutOfOrder(f"a stage line {text!r} that this program did not write")
        return mark
