"""What opens a chip: the MRZ's three fields or the card access number (Doc 9303-11, 4.4.4.1 and 9.7.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from drivers.chip.bac import AccessKeys, mrz_digest

MRZ_REFERENCE, CAN_REFERENCE = 0x01, 0x02


@dataclass(frozen=True, slots=True)
class Can:
    """The card access number printed on the card: six digits. Raises ValueError for anything else."""

    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{6}", self.digits):
            raise ValueError("a card access number has six digits")


Password = AccessKeys | Can


def secret(password: Password) -> bytes:
    """What K_π is derived from: SHA-1 over the MRZ information, or the digits themselves."""
    return password.digits.encode("ascii") if isinstance(password, Can) else mrz_digest(password)


def reference(password: Password) -> int:
    """Data object 83 of MSE:Set AT."""
    return CAN_REFERENCE if isinstance(password, Can) else MRZ_REFERENCE


def title(password: Password) -> str:
    """The password's kind, never its value."""
    return "CAN" if isinstance(password, Can) else "MRZ"
