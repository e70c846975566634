"""Tag, length, value: strict and bounded, the same for DER and for the LDS (ITU-T X.690, 10)."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.document.errors import NotDerError

MAX_BYTES = 0x7FFF  # a file of a chip with 15-bit offsets (ISO/IEC 7816-4, 11.2.2)
MAX_DEPTH = 16
MAX_NODES = 4096

CONSTRUCTED = 0x20
_CLASS = 0xC0
_BOOLEAN, _INTEGER, _BIT_STRING, _SET = 0x01, 0x02, 0x03, 0x31
_UNIVERSAL_CONSTRUCTED = frozenset({0x08, 0x0B, 0x10, 0x11})  # EXTERNAL, EMBEDDED PDV, SEQUENCE, SET


@dataclass(frozen=True, slots=True)
class Tlv:
    """One object: `tag` as its bytes read as a number (0x7F61), `value`, and `raw` = all of it."""

    tag: int
    value: bytes
    raw: bytes

    @property
    def constructed(self) -> bool:
        first = self.tag >> (8 * ((self.tag.bit_length() - 1) // 8)) if self.tag else 0
        return bool(first & CONSTRUCTED)


def tlv(tag: int, value: bytes) -> bytes:
    """Encode one object with the shortest length field."""
    return tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big") + _length(len(value)) + value


def one(data: bytes, tag: int | None = None, limit: int = MAX_BYTES) -> Tlv:
    """The single object that `data` is, wholly. Raises NotDerError for anything else."""
    if len(data) > limit:
        raise NotDerError(f"{len(data)} bytes, allowed {limit}")
    found = _read(data, 0)
    if len(found.raw) != len(data):
        raise NotDerError(f"{len(data) - len(found.raw)} bytes after the end")
    if tag is not None and found.tag != tag:
        raise NotDerError(f"tag {found.tag:X} where {tag:X} belongs")
    return found


def many(data: bytes, limit: int = 64) -> list[Tlv]:
    """The objects that `data` is a run of, at most `limit`. Raises NotDerError."""
    found: list[Tlv] = []
    at = 0
    while at < len(data):
        if len(found) == limit:
            raise NotDerError(f"more than {limit} objects")
        found.append(_read(data, at))
        at += len(found[-1].raw)
    return found


def parts(data: bytes, *tags: int) -> list[bytes]:
    """The values of exactly these tags in this order. Raises NotDerError."""
    found = many(data, len(tags))
    if [part.tag for part in found] != list(tags):
        raise NotDerError(f"tags {[f'{part.tag:X}' for part in found]}")
    return [part.value for part in found]


def check_strict(data: bytes, limit: int = MAX_BYTES) -> None:
    """Raise NotDerError unless `data` is one object, DER at every level, within depth and count.

    Definite shortest lengths, shortest integers, booleans 00 or FF, strings in one piece, SETs in
    order. Walks with a list of its own, so that nesting cannot exhaust the interpreter's stack.
    """
    todo: list[tuple[Tlv, int]] = [(one(data, limit=limit), 1)]
    nodes = 0
    while todo:
        node, depth = todo.pop()
        nodes += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise NotDerError("nested too deep or too many objects")
        _check_node(node)
        if node.constructed:
            todo += [(child, depth + 1) for child in _children(node)]


def _children(node: Tlv) -> list[Tlv]:
    children = many(node.value, MAX_NODES)
    if node.tag == _SET and [c.raw for c in children] != sorted(c.raw for c in children):
        raise NotDerError("a SET out of order")
    return children


def _check_node(node: Tlv) -> None:
    if node.tag > 0xFF:
        if node.tag >> 8 in (0x1F, 0x3F):
            raise NotDerError("a universal tag of two bytes")
        return
    if node.tag & _CLASS:
        return
    if node.constructed != (node.tag & 0x1F in _UNIVERSAL_CONSTRUCTED):
        raise NotDerError(f"tag {node.tag:02X} in the wrong form")
    if node.tag == _BOOLEAN and node.value not in (b"\x00", b"\xff"):
        raise NotDerError("a boolean that is neither 00 nor FF")
    if node.tag == _INTEGER and not _shortest(node.value):
        raise NotDerError("an integer longer than it need be")
    if node.tag == _BIT_STRING and not _padded_with_zeros(node.value):
        raise NotDerError("a bit string with bits behind its end")


def _shortest(value: bytes) -> bool:
    return bool(value) and (
        len(value) == 1 or not (value[0] in (0x00, 0xFF) and (value[0] ^ value[1]) & 0x80 == 0)
    )


def _padded_with_zeros(bits: bytes) -> bool:
    if len(bits) < 2:
        return bits == b"\0"
    return bits[0] < 8 and not bits[-1] & ((1 << bits[0]) - 1)


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes([count])
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def _read(data: bytes, at: int) -> Tlv:
    """The object at `at`: a tag of one or two bytes, a length of at most four."""
    tag_end = at + (2 if data[at : at + 1] and data[at] & 0x1F == 0x1F else 1)
    octets = data[tag_end : tag_end + 1]
    if not octets:
        raise NotDerError("ends inside a tag")
    if tag_end - at == 2 and data[at + 1] >= 0x80:
        raise NotDerError("a tag of more than two bytes")
    count, value_at = octets[0], tag_end + 1
    if count >= 0x80:
        more = count & 0x7F
        if not 1 <= more <= 4 or value_at + more > len(data):
            raise NotDerError("an indefinite, over-long or cut length")
        count, value_at = int.from_bytes(data[value_at : value_at + more], "big"), value_at + more
        if _length(count) != data[tag_end:value_at]:
            raise NotDerError("a length longer than it need be")
    end = value_at + count
    if end > len(data):
        raise NotDerError("ends inside a value")
    return Tlv(int.from_bytes(data[at:tag_end], "big"), data[value_at:end], data[at:end])
