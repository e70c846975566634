"""SecurityInfos: what a chip says it can do, in EF.CardAccess and DG14 (Doc 9303-11, 9.2).

Strict DER within bounds. The elements may come in any order, as cards do not sort them; what is not
known here is kept as it came, so that `encode(parse(data))` holds the same elements as `data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from drivers.chip import tlv
from drivers.chip.errors import MalformedData

INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET = 0x02, 0x06, 0x30, 0x31
LARGEST = 8192
MOST_INFOS = 64
LARGEST_NUMBER = 8  # bytes of an INTEGER: versions, identifiers

ID_PACE = "0.4.0.127.0.7.2.2.4"
ID_PK = "0.4.0.127.0.7.2.2.1"
ID_TA = "0.4.0.127.0.7.2.2.2"
ID_CA = "0.4.0.127.0.7.2.2.3"
ID_AA = "2.23.136.1.1.5"
ID_PK_ECDH = f"{ID_PK}.2"
PACE_MAPPINGS = tuple(f"{ID_PACE}.{arc}" for arc in (1, 2, 3, 4, 6))  # DH-GM, ECDH-GM, DH-IM, ECDH-IM, CAM
CHIP_AUTHENTICATIONS = (f"{ID_CA}.1", f"{ID_CA}.2")  # DH, ECDH; without a cipher: domain parameters


@dataclass(frozen=True, slots=True)
class PaceInfo:
    protocol: str  # dotted object identifier: mapping and cipher
    version: int
    parameter_id: int | None = None  # of standardised domain parameters


@dataclass(frozen=True, slots=True)
class ChipAuthenticationInfo:
    protocol: str
    version: int
    key_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChipAuthenticationPublicKeyInfo:
    protocol: str  # id-PK-DH or id-PK-ECDH
    public_key: bytes  # SubjectPublicKeyInfo, DER
    key_id: int | None = None


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationInfo:
    signature_algorithm: str  # of ECDSA, plain format (TR-03111, 5.2.1.1)
    version: int = 1
    protocol: str = ID_AA


@dataclass(frozen=True, slots=True)
class OtherInfo:
    """Kept, not used here: domain parameters, TerminalAuthenticationInfo and what is unknown."""

    protocol: str
    content: bytes  # DER of all that follows the identifier


SecurityInfo = (
    PaceInfo | ChipAuthenticationInfo | ChipAuthenticationPublicKeyInfo | ActiveAuthenticationInfo | OtherInfo
)


def parse(data: bytes) -> tuple[SecurityInfo, ...]:
    """The elements of `data`, which is one SET OF SecurityInfo. Raises MalformedData."""
    if len(data) > LARGEST:
        raise MalformedData(f"SecurityInfos of {len(data)} bytes")
    elements = tlv.parse(_only(data, SET))
    if len(elements) > MOST_INFOS:
        raise MalformedData(f"SecurityInfos: {len(elements)} elements")
    return tuple(_info(each) for each in elements)


def encode(infos: tuple[SecurityInfo, ...] | list[SecurityInfo]) -> bytes:
    """SET OF in DER: the elements in the order of their encodings."""
    return tlv.encode(SET, b"".join(sorted(map(_encode_info, infos))))


@lru_cache(maxsize=64)  # the same few on every card
def decode_oid(value: bytes) -> str:
    """The dotted form of an OBJECT IDENTIFIER's value. Raises MalformedData."""
    if not 1 <= len(value) <= 32 or value[-1] & 0x80:
        raise MalformedData("an object identifier that is none")
    arcs, arc = [], 0
    for at, byte in enumerate(value):
        if byte == 0x80 and (at == 0 or not value[at - 1] & 0x80):
            raise MalformedData("an arc of an object identifier not in its shortest form")
        arc = arc << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


@lru_cache(maxsize=64)
def encode_oid(dotted: str) -> bytes:
    """The value of an OBJECT IDENTIFIER, without tag and length."""
    first, second, *rest = map(int, dotted.split("."))
    return b"".join(map(_base_128, (40 * first + second, *rest)))


def decode_integer(value: bytes) -> int:
    """A non-negative INTEGER of at most eight bytes, in its shortest form. Raises MalformedData."""
    if not 1 <= len(value) <= LARGEST_NUMBER or value[0] & 0x80:
        raise MalformedData("an INTEGER that is empty, negative or too long")
    if len(value) > 1 and value[0] == 0 and not value[1] & 0x80:
        raise MalformedData("an INTEGER not in its shortest form")
    return int.from_bytes(value, "big")


# --- helpers ---


def _info(element: tlv.Tlv) -> SecurityInfo:
    if element.tag != SEQUENCE:
        raise MalformedData(f"SecurityInfo with tag {element.tag:X}")
    identifier, *rest = tlv.parse(element.value) or [tlv.Tlv(0, b"")]
    if identifier.tag != OBJECT_IDENTIFIER or not 1 <= len(rest) <= 2:
        raise MalformedData("SecurityInfo: identifier, required and at most one optional element")
    protocol = decode_oid(identifier.value)
    family = protocol.rpartition(".")[0]
    if family in PACE_MAPPINGS:
        return PaceInfo(protocol, *_numbers(rest))
    if family in CHIP_AUTHENTICATIONS:
        return ChipAuthenticationInfo(protocol, *_numbers(rest))
    if protocol.startswith(f"{ID_PK}."):
        return _public_key(protocol, rest)
    if protocol == ID_AA:
        return _active_authentication(rest)
    return OtherInfo(protocol, b"".join(tlv.encode(*each) for each in rest))


def _numbers(rest: list[tlv.Tlv]) -> tuple[int, ...]:
    if any(each.tag != INTEGER for each in rest):
        raise MalformedData("SecurityInfo: an element that is no INTEGER")
    return tuple(decode_integer(each.value) for each in rest)


def _public_key(protocol: str, rest: list[tlv.Tlv]) -> ChipAuthenticationPublicKeyInfo:
    if rest[0].tag != SEQUENCE:
        raise MalformedData("ChipAuthenticationPublicKeyInfo without a public key")
    return ChipAuthenticationPublicKeyInfo(protocol, tlv.encode(*rest[0]), *_numbers(rest[1:]))


def _active_authentication(rest: list[tlv.Tlv]) -> ActiveAuthenticationInfo:
    if [each.tag for each in rest] != [INTEGER, OBJECT_IDENTIFIER]:
        raise MalformedData("ActiveAuthenticationInfo: version and algorithm")
    return ActiveAuthenticationInfo(decode_oid(rest[1].value), decode_integer(rest[0].value))


def _encode_info(info: SecurityInfo) -> bytes:
    match info:
        case PaceInfo(_, version, number) | ChipAuthenticationInfo(_, version, number):
            content = _encode_integer(version) + _encode_integer(number)
        case ChipAuthenticationPublicKeyInfo(_, public_key, key_id):
            content = public_key + _encode_integer(key_id)
        case ActiveAuthenticationInfo(algorithm, version):
            content = _encode_integer(version) + tlv.encode(OBJECT_IDENTIFIER, encode_oid(algorithm))
        case OtherInfo(_, content):
            pass
    return tlv.encode(SEQUENCE, tlv.encode(OBJECT_IDENTIFIER, encode_oid(info.protocol)) + content)


def _encode_integer(number: int | None) -> bytes:
    if number is None:
        return b""
    return tlv.encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _base_128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(arc & 0x7F | 0x80)
    return bytes(reversed(groups))


def _only(data: bytes, tag: int) -> bytes:
    """The value of the one object `data` is. Raises MalformedData."""
    objects = tlv.parse(data)
    if [each.tag for each in objects] != [tag]:
        raise MalformedData(f"one object {tag:X} was expected")
    return objects[0].value
