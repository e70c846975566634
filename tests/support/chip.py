"""Made-up chip content and keys that the chip's tests share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from drivers.chip.dialects import CardKind
from drivers.chip.dialects.lds_plain import LdsPlain


@dataclass(frozen=True)
class MrzKeys:
    document_number: str
    birth: str
    expiry: str


@dataclass(frozen=True)
class Keys:
    """`drivers.chip.dialects.ChipKeys`."""

    access: MrzKeys
    can: str | None = None
    aa: bytes | None = None
    ca: bytes | None = None


KEYS = MrzKeys("001099999", "900101", "400101")
CHIP_KEYS = Keys(KEYS)
OTHER_KEYS = MrzKeys("001088888", "800202", "300202")
DOC_9303_KEYS = MrzKeys("L898902C", "690806", "940623")


def unheard(_: int) -> None:
    """Progress nobody watches."""


def made_up(size: int, seed: str = "chip") -> bytes:
    """Bytes that look like nothing, the same for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(size)


def lds_file(tag: int, size: int) -> bytes:
    """A data object whose value is `size` made-up bytes."""
    return bytes([tag, 0x82]) + size.to_bytes(2, "big") + made_up(size, f"{tag:X}")


FILES = {
    0x0101: bytes([0x61, 0x5D, 0x5F, 0x1F, 0x5A]) + b"I<UTO" + b"<" * 85,
    0x0102: lds_file(0x75, 1500),
    0x011E: bytes.fromhex("600C5F0104303130375C0361756D"),
    0x011D: lds_file(0x77, 900),
}


def personalise(dialect: LdsPlain) -> None:
    """Blank to operational, every file read back: the order of steps the transaction keeps."""
    assert dialect.identify(KEYS).kind == CardKind.BLANK
    dialect.put_keys(CHIP_KEYS)
    for fid, content in FILES.items():
        dialect.write_file(fid, content, unheard)
    for fid, content in FILES.items():
        assert dialect.read_file(fid, len(content), unheard) == content
    dialect.lock()
