"""The keys of a chip, as its image has them."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.document.image import CardImage
from firmware.issue.ports import AccessKeys, ChipKeys


@dataclass(frozen=True, slots=True)
class AccessOnly:
    """A chip without CAN, Active and Chip Authentication."""

    access: AccessKeys
    can: str | None = None
    aa: bytes | None = None
    ca: bytes | None = None


def chip_keys(image: CardImage) -> ChipKeys:
    return AccessOnly(image.access)
