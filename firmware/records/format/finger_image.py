"""A finger image record of one impression (ISO/IEC 19794-4:2011, clause 8), written and read strictly.

General header 16 bytes, representation header 41 bytes and 5 for each quality block, then the picture.
Everything is big-endian. Only what a box writes is read: one representation, no certification block.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from firmware.records.format.schema import FINGERS

MAGIC = b"FIR\x00020\x00"
GENERAL = struct.Struct(">8sIHBB")  # 8.2: magic and version, length, representations, certified, positions
REPRESENTATION = struct.Struct(
    ">IH5BHBHHB"
)  # 8.3: length, capture time, device technology, vendor, type, blocks
QUALITY = struct.Struct(">BHH")  # score, vendor of the algorithm, algorithm (ISO/IEC 29794-1)
PICTURE = struct.Struct(">BBBHHHHBBBHHI")  # position .. length of the picture
MAX_BYTES = 4 << 20
FAILED = 255
PIXELS_PER_INCH = 1
BIT_DEPTH = 8
OPTICAL = 2  # 8.3.3: white light optical TIR is 1, optical unspecified 2
NFIQ2 = (0x0101, 0x39)
"""ISO/IEC JTC 1/SC 37 as vendor, NFIQ 2 revision 3: the identifiers of NIST's reference build."""
PLAIN_LIVE_SCAN = 0


class Compression(IntEnum):
    """8.3.15: how the picture is written."""

    NONE = 0
    WSQ = 2
    PNG = 6


class FingerImageError(ValueError):
    """These bytes are no finger image record of ours."""


@dataclass(frozen=True, slots=True)
class FingerRecord:
    """`position` as in the schema; `score` NFIQ 2 0..100, None: failed (255) or not computed by NFIQ 2."""

    position: str
    picture: bytes
    compression: Compression
    width_px: int
    height_px: int
    ppi: int
    captured: datetime
    score: int | None

    def to_bytes(self) -> bytes:
        """Raises FingerImageError for what the record has no room for."""
        try:
            body = QUALITY.pack(FAILED if self.score is None else self.score, *NFIQ2) + self._picture()
            length = REPRESENTATION.size + len(body)
            head = REPRESENTATION.pack(length, *_moment(self.captured), OPTICAL, 0, 0, 1)
            whole = GENERAL.pack(MAGIC, GENERAL.size + length, 1, 0, 1)
        except (struct.error, ValueError) as exc:
            raise FingerImageError(f"cannot be written: {exc}") from exc
        return whole + head + body

    def _picture(self) -> bytes:
        return (
            PICTURE.pack(
                FINGERS.index(self.position) + 1,
                1,  # the first representation
                PIXELS_PER_INCH,
                *[self.ppi] * 4,  # captured and written alike
                BIT_DEPTH,
                self.compression,
                PLAIN_LIVE_SCAN,
                self.width_px,
                self.height_px,
                len(self.picture),
            )
            + self.picture
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> FingerRecord:
        """Read a record. Raises FingerImageError, and nothing else whatever the bytes are."""
        if len(data) > MAX_BYTES:
            raise FingerImageError(f"{len(data)} bytes are too many")
        try:
            return cls._parsed(data)
        except (struct.error, ValueError, IndexError) as exc:
            raise FingerImageError(f"no finger image record: {exc}") from exc

    @classmethod
    def _parsed(cls, data: bytes) -> FingerRecord:
        magic, length, representations, certified, positions = GENERAL.unpack_from(data)
        if (magic, length, representations, certified, positions) != (MAGIC, len(data), 1, 0, 1):
            raise FingerImageError("its general header is not one of ours")
        size, *when, technology, vendor, kind, blocks = REPRESENTATION.unpack_from(data, GENERAL.size)
        at = GENERAL.size + REPRESENTATION.size
        if size != len(data) - GENERAL.size or (technology, vendor, kind, blocks) != (OPTICAL, 0, 0, 1):
            raise FingerImageError("its representation header is not one of ours")
        score, *algorithm = QUALITY.unpack_from(data, at)
        if tuple(algorithm) != NFIQ2 or (score > 100 and score != FAILED):
            raise FingerImageError("its quality block is not NFIQ 2's")
        position, number, unit, *ppi, depth, compression, impression, width, height, bytes_ = (
            PICTURE.unpack_from(data, at + QUALITY.size)
        )
        at += QUALITY.size + PICTURE.size
        plain = (number, unit, depth, impression) == (1, PIXELS_PER_INCH, BIT_DEPTH, PLAIN_LIVE_SCAN)
        if not plain or len(set(ppi)) != 1 or bytes_ != len(data) - at or not 1 <= position <= len(FINGERS):
            raise FingerImageError("its picture is not described as ours")
        return cls(
            position=FINGERS[position - 1],
            picture=data[at:],
            compression=Compression(compression),
            width_px=width,
            height_px=height,
            ppi=ppi[0],
            captured=_captured(*when),
            score=None if score == FAILED else score,
        )


def _moment(at: datetime) -> tuple[int, ...]:
    """8.3.2: year, month, day, hour, minute, second, milliseconds; UTC."""
    utc = at.astimezone(UTC)
    return utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond // 1000


def _captured(*when: int) -> datetime:
    *parts, milliseconds = when
    return datetime(*parts, milliseconds * 1000, tzinfo=UTC)  # type: ignore[arg-type,misc]
