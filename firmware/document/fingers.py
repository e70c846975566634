"""DG3: fingers, each an image record in a CBEFF template (Doc 9303-10, 4.7.3; ISO/IEC 19794-4:2005)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType

from firmware.document import cbeff, der
from firmware.document.errors import DataGroupError
from firmware.document.face import jpeg2000_size


class Compression(IntEnum):
    """How the picture of a finger is written (19794-4:2005, table 4)."""

    RAW = 0
    WSQ = 2
    JPEG = 3
    JPEG2000 = 4
    PNG = 5


@dataclass(frozen=True, slots=True)
class Finger:
    """One plain impression, 8 bits of grey a pixel. `position` is 1 (right thumb) to 10 (left little)."""

    position: int
    image: bytes
    width_px: int
    height_px: int
    compression: Compression
    resolution_ppi: int = 500


MAX_FINGERS = 10
_RECORD_HEADER = struct.Struct(">4s4s6sHHBBHHHHBBH")  # 7.1: 32 bytes
_FINGER_HEADER = struct.Struct(">IBBBBBHHB")  # 7.2: 14 bytes
_MAGIC, _VERSION = b"FIR\0", b"010\0"
_LEVEL_30 = 30  # table 1: 500 ppi, 8 bits, certified to nothing
_PIXELS_PER_INCH = 1
_DEPTH_BITS = 8
_QUALITY_UNDEFINED = 254
_LIVE_PLAIN = 0
_FINGERPRINT = 0x08  # CBEFF type
_SIDES, _KINDS = (0b01, 0b10), (1, 2, 3, 4, 5)  # right, left; thumb … little (ISO/IEC 7816-11, table C.2)
SUBTYPES = tuple(kind << 2 | side for side in _SIDES for kind in _KINDS)

_STARTS = MappingProxyType(
    {
        Compression.WSQ: b"\xff\xa0",
        Compression.JPEG: b"\xff\xd8\xff",
        Compression.PNG: b"\x89PNG\r\n\x1a\n",
    }
)


def encode_dg3(fingers: Sequence[Finger], captured: datetime) -> bytes:
    """DG3 with a template for each finger, in the order given, taken at `captured` (aware).

    Raises DataGroupError for none, a finger twice, a picture that is not what `compression` says, or
    more than a file of a chip holds.
    """
    positions = [finger.position for finger in fingers]
    if len(set(positions)) != len(positions) or not set(positions) <= set(range(1, MAX_FINGERS + 1)):
        raise DataGroupError("DG3", f"fingers {positions}")
    templates = [
        cbeff.Template(_record(finger), captured, _FINGERPRINT, SUBTYPES[finger.position - 1])
        for finger in fingers
    ]
    content = cbeff.encode(3, cbeff.Format.FINGER_IMAGE, templates)
    if len(content) > der.MAX_BYTES:
        raise DataGroupError("DG3", f"{len(content)} bytes, allowed {der.MAX_BYTES}")
    return content


def decode_dg3(content: bytes) -> tuple[Finger, ...]:
    """The fingers of a DG3, also of records that hold several. Raises DataGroupError."""
    found: list[Finger] = []
    for template in cbeff.decode(3, cbeff.Format.FINGER_IMAGE, content):
        fingers = _fingers_of(template.record)
        if template.subtype and [template.subtype] != [SUBTYPES[f.position - 1] for f in fingers]:
            raise DataGroupError("DG3", "a subtype that names another finger")
        found += fingers
    if len({finger.position for finger in found}) != len(found):
        raise DataGroupError("DG3", "a finger twice")
    return tuple(found)


def _record(finger: Finger) -> bytes:
    _check_image(finger)
    block = _FINGER_HEADER.size + len(finger.image)
    ppi = finger.resolution_ppi
    try:
        head = _RECORD_HEADER.pack(
            _MAGIC, _VERSION, (_RECORD_HEADER.size + block).to_bytes(6, "big"), 0, _LEVEL_30, 1,
            _PIXELS_PER_INCH, ppi, ppi, ppi, ppi, _DEPTH_BITS, finger.compression, 0,
        )  # fmt: skip
        view = _FINGER_HEADER.pack(
            block,
            finger.position,
            1,
            1,
            _QUALITY_UNDEFINED,
            _LIVE_PLAIN,
            finger.width_px,
            finger.height_px,
            0,
        )
    except struct.error as exc:
        raise DataGroupError("DG3", f"a picture of {finger.width_px} x {finger.height_px}") from exc
    return head + view + finger.image


def _fingers_of(record: bytes) -> list[Finger]:
    if len(record) < _RECORD_HEADER.size:
        raise DataGroupError("DG3", "a finger record cut short")
    head = _RECORD_HEADER.unpack_from(record)
    magic, version, length, count, units, depth = (*head[:3], head[5], head[6], head[11])
    if (magic, version, units, depth) != (_MAGIC, _VERSION, _PIXELS_PER_INCH, _DEPTH_BITS):
        raise DataGroupError("DG3", "not a finger record of 8 bits with pixels per inch")
    if int.from_bytes(length, "big") != len(record) or not 0 < count <= MAX_FINGERS:
        raise DataGroupError("DG3", "lengths or counts that disagree")
    at, found = _RECORD_HEADER.size, []
    for _ in range(count):
        finger, at = _finger_at(record, at, head[9], head[12])
        found.append(finger)
    if at != len(record):
        raise DataGroupError("DG3", "bytes after the last finger")
    return found


def _finger_at(record: bytes, at: int, ppi: int, compression: int) -> tuple[Finger, int]:
    """The finger whose header begins at `at`, and where the next one does."""
    if at + _FINGER_HEADER.size > len(record):
        raise DataGroupError("DG3", "a finger record cut short")
    block, position, views, _, _, _, width, height, _ = _FINGER_HEADER.unpack_from(record, at)
    end = at + block
    if block < _FINGER_HEADER.size or end > len(record):
        raise DataGroupError("DG3", "lengths or counts that disagree")
    if not 1 <= position <= MAX_FINGERS or views != 1 or compression not in set(Compression):
        raise DataGroupError("DG3", "a finger, a view or a compression that is not read here")
    image = record[at + _FINGER_HEADER.size : end]
    finger = Finger(position, image, width, height, Compression(compression), ppi)
    _check_image(finger)
    return finger, end


def _check_image(finger: Finger) -> None:
    """Raise DataGroupError unless the picture begins as its compression does and has its size."""
    size = finger.width_px, finger.height_px
    if finger.compression is Compression.RAW:
        good = len(finger.image) == size[0] * size[1]
    elif finger.compression is Compression.JPEG2000:
        good = jpeg2000_size(finger.image) == size
    else:
        good = finger.image.startswith(_STARTS[finger.compression])
    if not good or min(size) < 1:
        raise DataGroupError("DG3", f"an image that is not the {finger.compression.name} it is said to be")
