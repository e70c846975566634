"""DG2: the portrait, as a facial record in a CBEFF template (Doc 9303-10, 4.7.2; ISO/IEC 19794-5:2005)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

from firmware.document import cbeff
from firmware.document.errors import DataGroupError

MAX_IMAGE = 0x7000


_RECORD_HEADER = struct.Struct(">4s4sIH")  # 19794-5:2005, 5.4
_FACE_INFO = struct.Struct(">IHBBB3sH3s3s")  # 5.5: 20 bytes
_FEATURE_POINT = 8  # 5.6
_IMAGE_INFO = struct.Struct(">BBHHBBHH")  # 5.7: 12 bytes
_MAGIC, _VERSION = b"FAC\0", b"010\0"
_FULL_FRONTAL, _JPEG2000, _SRGB, _STATIC_CAMERA = 1, 1, 1, 2
_JP2_MAGIC = bytes.fromhex("0000000C6A5020200D0A870A")
_CODESTREAM_MAGIC = bytes.fromhex("FF4FFF51")
_MAX_BOXES = 64


@dataclass(frozen=True, slots=True)
class Portrait:
    """The picture of DG2: JPEG 2000 bytes, size in pixels, and when it was taken (UTC) if told."""

    image: bytes
    width_px: int
    height_px: int
    captured: datetime | None


def jpeg2000_size(image: bytes) -> tuple[int, int]:
    """Width and height in pixels of a JP2 file or a bare codestream (ISO/IEC 15444-1, A.5.1, I.5.3).

    Raises DataGroupError if it is neither.
    """
    if image.startswith(_CODESTREAM_MAGIC) and len(image) >= 24:
        right, bottom, left, top = struct.unpack_from(">IIII", image, 8)
        width, height = right - left, bottom - top
    elif image.startswith(_JP2_MAGIC):
        header = _box(_box(image, b"jp2h"), b"ihdr")
        if len(header) != 14:
            raise DataGroupError("DG2", "an image header box of the wrong size")
        height, width = struct.unpack_from(">II", header)
    else:
        raise DataGroupError("DG2", "not JPEG 2000")
    if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):
        raise DataGroupError("DG2", f"a picture of {width} x {height}")
    return width, height


def encode_dg2(image: bytes, captured: datetime) -> bytes:
    """DG2 with one full frontal JPEG 2000 portrait, taken at `captured` (aware; kept to the second).

    Raises DataGroupError if the image is not JPEG 2000 or too large for a chip.
    """
    if len(image) > MAX_IMAGE:
        raise DataGroupError("DG2", f"{len(image)} bytes of image, allowed {MAX_IMAGE}")
    template = cbeff.Template(_facial_record(image), captured)
    return cbeff.encode(2, cbeff.Format.FACE_IMAGE, [template])


def decode_dg2(content: bytes) -> Portrait:
    """The portrait of a DG2 with one face. Raises DataGroupError."""
    templates = cbeff.decode(2, cbeff.Format.FACE_IMAGE, content)
    if len(templates) != 1:
        raise DataGroupError("DG2", "more or fewer than one face")
    image = _image_of(templates[0].record)
    return Portrait(image, *jpeg2000_size(image), templates[0].created)


def _facial_record(image: bytes) -> bytes:
    width, height = jpeg2000_size(image)
    look = _IMAGE_INFO.pack(_FULL_FRONTAL, _JPEG2000, width, height, _SRGB, _STATIC_CAMERA, 0, 0)
    block = _FACE_INFO.size + len(look) + len(image)
    face = _FACE_INFO.pack(block, 0, 0, 0, 0, bytes(3), 0, bytes(3), bytes(3))
    head = _RECORD_HEADER.pack(_MAGIC, _VERSION, _RECORD_HEADER.size + block, 1)
    return head + face + look + image


def _image_of(record: bytes) -> bytes:
    """The image of a facial record with one face, past any feature points."""
    fixed = _RECORD_HEADER.size + _FACE_INFO.size
    if len(record) < fixed + _IMAGE_INFO.size:
        raise DataGroupError("DG2", "a facial record cut short")
    magic, version, length, faces = _RECORD_HEADER.unpack_from(record)
    block, points = struct.unpack_from(">IH", record, _RECORD_HEADER.size)
    if (magic, version, faces) != (_MAGIC, _VERSION, 1):
        raise DataGroupError("DG2", "not a facial record of one face")
    if (length, block) != (len(record), len(record) - _RECORD_HEADER.size):
        raise DataGroupError("DG2", "lengths that disagree")
    look_at = fixed + points * _FEATURE_POINT
    if look_at + _IMAGE_INFO.size > len(record):
        raise DataGroupError("DG2", "more feature points than bytes")
    data_type, width, height = _IMAGE_INFO.unpack_from(record, look_at)[1:4]
    image = record[look_at + _IMAGE_INFO.size :]
    if data_type != _JPEG2000 or jpeg2000_size(image) != (width, height):
        raise DataGroupError("DG2", "an image that is not what its header says")
    return image


def _box(data: bytes, kind: bytes) -> bytes:
    """The content of the first JP2 box of this kind (ISO/IEC 15444-1, I.4)."""
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            break
        length, found = struct.unpack_from(">I4s", data, at)
        if found == kind and 8 <= length <= len(data) - at:
            return data[at + 8 : at + length]
        if length < 8:  # to the end of the file, or an extended length that no header box has
            break
        at += length
    raise DataGroupError("DG2", f"no {kind.decode()} box")
