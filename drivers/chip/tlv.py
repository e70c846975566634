"""Strict BER-TLV with every length bounded (ISO/IEC 7816-4:2020, 6.3; ISO/IEC 8825-1, 8.1).

Definite lengths only; a tag has at most three bytes, a length field at most four. With `der` (the
default) lengths must also be in their shortest form: so in what is signed. What a card answers need not be
so (`der` False): 81 may stand before 00 to FF, 82 before 0000 to FFFF.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from drivers.chip.errors import MalformedData

LONGEST_HEADER = 3 + 4


class Header(NamedTuple):
    tag: int
    length: int  # of the value
    size: int  # of tag and length field


class Tlv(NamedTuple):
    tag: int
    value: bytes


def encode(tag: int, value: bytes) -> bytes:
    """One data object in DER form."""
    width = (tag.bit_length() + 7) // 8 or 1
    return tag.to_bytes(width, "big") + encode_length(len(value)) + value


def encode_length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    width = (length.bit_length() + 7) // 8
    return bytes([0x80 | width]) + length.to_bytes(width, "big")


def read_header(data: bytes, der: bool = True) -> Header:
    """Tag and length at the start of `data`, which need not hold the value. Raises MalformedData."""
    if len(data) > 1 and data[0] & 0x1F != 0x1F and data[0] and data[1] < 0x80:  # a byte each, as most are
        return Header(data[0], data[1], 2)
    tag_size = _tag_size(data)
    length, length_size = _length(data[tag_size:], der)
    return Header(int.from_bytes(data[:tag_size], "big"), length, tag_size + length_size)


def parse(data: bytes, der: bool = True) -> list[Tlv]:
    """All data objects that `data` is made of, none left over. Raises MalformedData."""
    return [each for _, each in walk(data, der)]


def walk(data: bytes, der: bool = True) -> Iterator[tuple[int, Tlv]]:
    """As `parse`, each with the place where it begins."""
    at = 0
    while at < len(data):
        begins = at
        tag, length, size = read_header(data[at : at + LONGEST_HEADER], der)
        start, at = at + size, at + size + length
        if at > len(data):
            raise MalformedData(f"TLV: object {tag:X} is longer than what holds it")
        yield begins, Tlv(tag, data[start:at])


def _tag_size(data: bytes) -> int:
    if not data or data[0] in (0x00, 0xFF):
        raise MalformedData("TLV: no tag")
    if data[0] & 0x1F != 0x1F:
        return 1
    for size in (2, 3):
        if len(data) < size:
            break
        if not data[size - 1] & 0x80:
            return size
    raise MalformedData("TLV: tag cut off or longer than three bytes")


def _length(data: bytes, der: bool) -> tuple[int, int]:
    if not data:
        raise MalformedData("TLV: no length")
    if data[0] < 0x80:
        return data[0], 1
    width = data[0] & 0x7F
    if not 1 <= width <= 3 or len(data) < 1 + width:
        raise MalformedData("TLV: length indefinite, cut off or too long")
    length = int.from_bytes(data[1 : 1 + width], "big")
    if der and encode_length(length) != data[: 1 + width]:
        raise MalformedData("TLV: length not in its shortest form")
    return length, 1 + width
