"""Data objects as the chip reads and writes them: lengths in their shortest form only."""

from __future__ import annotations

from drivers.virtual.card.words import StatusWord


def pack(tag: int, *parts: bytes) -> bytes:
    """One data object with a tag of one or two bytes."""
    value = b"".join(parts)
    size = len(value)
    width = 0 if size < 0x80 else 1 if size < 0x100 else 2
    length = size.to_bytes(width or 1, "big")
    return (
        tag.to_bytes(2 if tag > 0xFF else 1, "big")
        + (bytes((0x80 | width,)) if width else b"")
        + length
        + value
    )


def unpack(data: bytes) -> list[tuple[int, bytes]]:
    """The data objects, one after the other, with tags of one byte. 6A80 for anything else."""
    found = []
    while data:
        width = data[1] - 0x80 if len(data) > 1 and data[1] > 0x80 else 0
        length = data[2 : 2 + width] if width else data[1:2]
        size = int.from_bytes(length, "big")
        start = 2 + width
        shortest = 0 if size < 0x80 else 1 if size < 0x100 else 2
        if data[0] & 0x1F == 0x1F or width != shortest or len(data) < start + size or len(data) < 2:
            raise StatusWord(0x6A80)
        found.append((data[0], data[start : start + size]))
        data = data[start + size :]
    return found


def unpack_one(tag: int, data: bytes) -> bytes:
    """The value of the one data object that these bytes are; 6A80 for anything else."""
    found = unpack(data)
    if [each for each, _ in found] != [tag]:
        raise StatusWord(0x6A80)
    return found[0][1]


def fields(data: bytes, wanted: frozenset[int]) -> dict[int, bytes]:
    """Data objects by tag, each once and each wanted; 6A80 for anything else."""
    found = unpack(data)
    by_tag = dict(found)
    if len(by_tag) != len(found) or not wanted.issuperset(by_tag):
        raise StatusWord(0x6A80)
    return by_tag
