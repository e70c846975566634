"""Reads USB recordings: pcapng (draft-ietf-opsawg-pcapng) holding Linux usbmon packets (link type 220)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

MAX_FILE_SIZE = 16 << 20
SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
ENHANCED_PACKET = 6
LITTLE_ENDIAN = bytes.fromhex("4d3c2b1a")
USB_LINUX_MMAPPED = 220
USBMON = struct.Struct("<Q4B H 2s q i i 2I 8s 16x")  # Linux Documentation/usb/usbmon.rst


class RecordingError(ValueError):
    """The file is not a recording this reader understands."""


class Transfer(IntEnum):
    ISOCHRONOUS = 0
    INTERRUPT = 1
    CONTROL = 2
    BULK = 3


@dataclass(frozen=True, slots=True)
class UsbPacket:
    """One submission (`S`) or completion (`C`) of the request `urb`; `length` is asked for or was moved."""

    urb: int
    kind: str
    transfer: Transfer
    endpoint: int
    status: int
    length: int
    setup: bytes
    data: bytes


def read(path: Path) -> list[UsbPacket]:
    """Return the packets of a recording in order. Raises RecordingError, or OSError if it cannot be read."""
    if path.stat().st_size > MAX_FILE_SIZE:
        raise RecordingError(f"{path.name} is larger than {MAX_FILE_SIZE} bytes")
    raw = path.read_bytes()
    if raw[8:12] != LITTLE_ENDIAN:
        raise RecordingError(f"{path.name} is no little-endian pcapng file")
    return [_packet(body) for kind, body in _blocks(raw) if _holds_packet(kind, body)]


def _blocks(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(raw):
        if len(raw) - at < 12:
            raise RecordingError(f"block at {at} is cut off")
        kind, length = struct.unpack_from("<II", raw, at)
        if length < 12 or length % 4 or length > len(raw) - at:
            raise RecordingError(f"block at {at} claims {length} bytes")
        yield kind, raw[at + 8 : at + length - 4]
        at += length


def _holds_packet(kind: int, body: bytes) -> bool:
    if kind == INTERFACE_DESCRIPTION and body[:2] != struct.pack("<H", USB_LINUX_MMAPPED):
        raise RecordingError("it was not recorded from usbmon")
    return kind == ENHANCED_PACKET


def _packet(body: bytes) -> UsbPacket:
    if len(body) < 20:
        raise RecordingError("a packet block is cut off")
    captured = struct.unpack_from("<I", body, 12)[0]
    packet = body[20 : 20 + captured]
    if len(packet) != captured or captured < USBMON.size:
        raise RecordingError("a packet is cut off")
    urb, kind, transfer, endpoint, _, _, _, _, _, status, length, size, setup = USBMON.unpack_from(packet)
    data = packet[USBMON.size :]
    if transfer not in list(Transfer) or len(data) != size:
        raise RecordingError("a packet contradicts its header")
    return UsbPacket(urb, chr(kind), Transfer(transfer), endpoint, status, length, setup, data)
