"""Points on the curves of PACE, Chip and Active Authentication (Doc 9303-11, 9.5.1; TR-03111, 3.2).

OpenSSL multiplies (`times_generator`, `drivers.chip.ephemeral`), in constant time. Points, their addition
and the curves' numbers come from `ecdsa`, which is pure Python and not constant in time: what leaks to
somebody who measures us closely is about points that are used once. Those that depend on the password
through the decrypted nonce are blinded before they are added (`EphemeralKey.map_generator`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ecdsa
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import INFINITY, PointJacobi

from drivers.chip import tlv
from drivers.chip.errors import MalformedData, UnknownAlgorithm
from drivers.chip.security_infos import decode_integer, decode_oid

INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30
ID_EC_PUBLIC_KEY = "1.2.840.10045.2.1"
ID_PRIME_FIELD = "1.2.840.10045.1.1"
ID_STANDARDISED = "0.4.0.127.0.7.1.2"  # standardizedDomainParameters (TR-03110-3, A.2.1.1)
UNCOMPRESSED = 0x04
TRIES = 128  # a draw is out of range in at most every third: 128 in a row mean a broken source

Random = Callable[[int], bytes]
Point = Any  # ecdsa.ellipticcurve.PointJacobi: the library has no types


@dataclass(frozen=True, eq=False)
class Curve:
    """Standardised domain parameters: `parameter_id` of Doc 9303-11, table 4; `oid` of the named curve."""

    name: str
    parameter_id: int
    oid: str
    parameters: Any  # ecdsa.curves.Curve
    openssl: ec.EllipticCurve

    @cached_property
    def size(self) -> int:
        """Of a coordinate, in bytes."""
        return (int(self.parameters.curve.p()).bit_length() + 7) // 8

    @cached_property
    def domain(self) -> tuple[int, int, int, bytes, int]:
        """p, a, b, the generator 04 ‖ x ‖ y and its order."""
        equation = self.parameters.curve
        p = int(equation.p())
        return p, int(equation.a()) % p, int(equation.b()) % p, self.encode(self.generator), self.order

    @property
    def order(self) -> int:
        return int(self.parameters.order)

    @property
    def generator(self) -> Point:
        return self.parameters.generator

    def scalar(self, random: Random) -> int:
        """A private key, evenly from 1 to order - 1."""
        for _ in range(TRIES):
            drawn = int.from_bytes(random(self.size), "big")
            if 1 <= drawn < self.order:
                return drawn
        raise RuntimeError("the random source gives no private key")

    def decode(self, raw: bytes) -> Point:
        """The point 04 ‖ x ‖ y. Raises MalformedData for another form, or a point not on the curve."""
        if len(raw) != 1 + 2 * self.size or raw[0] != UNCOMPRESSED:
            raise MalformedData(f"no uncompressed point of {self.name}: {len(raw)} bytes")
        return self.checked(
            int.from_bytes(raw[1 : 1 + self.size], "big"), int.from_bytes(raw[1 + self.size :], "big")
        )

    def encode(self, point: Point) -> bytes:
        """04 ‖ x ‖ y. Raises MalformedData for the point at infinity."""
        if point == INFINITY:
            raise MalformedData("the point at infinity")
        affine = point.scale()
        numbers = (int(number).to_bytes(self.size, "big") for number in (affine.x(), affine.y()))
        return bytes([UNCOMPRESSED]) + b"".join(numbers)

    def checked(self, x: int, y: int) -> Point:
        """The point with these coordinates. Raises MalformedData when it is not on the curve."""
        if max(x, y) >= self.parameters.curve.p() or not self.parameters.curve.contains_point(x, y):
            raise MalformedData(f"a point that is not on {self.name}")  # ecdsa does not look
        return PointJacobi(self.parameters.curve, x, y, 1, self.order)

    def lift(self, x: int) -> Point:
        """The point with this x coordinate and an even y. Raises MalformedData when there is none."""
        equation = self.parameters.curve
        p = equation.p()
        y = pow((x * x + equation.a()) * x + equation.b(), (p + 1) // 4, p)  # p is 3 modulo 4 on all of them
        return self.checked(x, p - y if y & 1 else y)

    def point(self, key: ec.EllipticCurvePublicKey) -> Point:
        """Of a key of OpenSSL's on this curve."""
        numbers = key.public_numbers()
        return PointJacobi(self.parameters.curve, numbers.x, numbers.y, 1, self.order)

    def openssl_key(self, point: Point) -> ec.EllipticCurvePublicKey:
        """Raises MalformedData for the point at infinity."""
        return ec.EllipticCurvePublicKey.from_encoded_point(self.openssl, self.encode(point))

    def times_generator(self, scalar: int) -> Point:
        """scalar · G, for 1 to order - 1."""
        return self.point(ec.derive_private_key(scalar, self.openssl).public_key())


P_256 = Curve("P-256", 12, "1.2.840.10045.3.1.7", ecdsa.NIST256p, ec.SECP256R1())
BRAINPOOL_P256R1 = Curve(
    "brainpoolP256r1", 13, "1.3.36.3.3.2.8.1.1.7", ecdsa.BRAINPOOLP256r1, ec.BrainpoolP256R1()
)
P_384 = Curve("P-384", 15, "1.3.132.0.34", ecdsa.NIST384p, ec.SECP384R1())
BRAINPOOL_P384R1 = Curve(
    "brainpoolP384r1", 16, "1.3.36.3.3.2.8.1.1.11", ecdsa.BRAINPOOLP384r1, ec.BrainpoolP384R1()
)
CURVES = (P_256, BRAINPOOL_P256R1, P_384, BRAINPOOL_P384R1)


def public_key(info: bytes) -> tuple[Curve, bytes]:
    """The curve and the point 04 ‖ x ‖ y of a SubjectPublicKeyInfo, of DG14 or DG15 (Doc 9303-11, 9.4.2).

    The parameters may be a named curve, an identifier of standardised ones, or written out in full: then
    every one of them must be that of a curve here. The point is on the curve. Raises MalformedData, and
    UnknownAlgorithm for another kind of key or curve.
    """
    algorithm, key = _children(_object(info, SEQUENCE), "public key", SEQUENCE, BIT_STRING)
    parts = tlv.parse(algorithm)
    if len(parts) != 2 or parts[0].tag != OBJECT_IDENTIFIER:
        raise MalformedData("public key: algorithm and its parameters")
    curve = _curve(decode_oid(parts[0].value), parts[1])
    point = _bits(key)
    curve.decode(point)
    return curve, point


def _curve(algorithm: str, parameters: tlv.Tlv) -> Curve:
    if algorithm == ID_EC_PUBLIC_KEY and parameters.tag == OBJECT_IDENTIFIER:
        named = decode_oid(parameters.value)
        found = [curve for curve in CURVES if curve.oid == named]
    elif algorithm == ID_EC_PUBLIC_KEY and parameters.tag == SEQUENCE:
        written = _domain(parameters.value)
        found = [curve for curve in CURVES if curve.domain == written]
    elif algorithm == ID_STANDARDISED and parameters.tag == INTEGER:
        found = [curve for curve in CURVES if curve.parameter_id == decode_integer(parameters.value)]
    else:
        raise UnknownAlgorithm(f"public key of algorithm {algorithm}")
    if not found:
        raise UnknownAlgorithm("public key on a curve that is not known here")
    return found[0]


def _domain(value: bytes) -> tuple[int, int, int, bytes, int]:
    """ECParameters (TR-03111, 5.1; X9.62) as `Curve.domain` has them; a seed is left aside."""
    parts = tlv.parse(value)
    if [part.tag for part in parts[:5]] != [INTEGER, SEQUENCE, SEQUENCE, OCTET_STRING, INTEGER]:
        raise MalformedData("public key: domain parameters")
    field, prime = _children(parts[1].value, "field", OBJECT_IDENTIFIER, INTEGER)
    coefficients = [part.value for part in tlv.parse(parts[2].value)[:2]]
    cofactor = [int.from_bytes(part.value, "big") for part in parts[5:]]
    if decode_oid(field) != ID_PRIME_FIELD or len(coefficients) != 2 or cofactor not in ([], [1]):
        raise UnknownAlgorithm("public key on a curve that is not known here")
    p, a, b, order = (int.from_bytes(number, "big") for number in (prime, *coefficients, parts[4].value))
    return p, a, b, parts[3].value, order


def _object(data: bytes, tag: int) -> bytes:
    return _children(data, "public key", tag)[0]


def _children(data: bytes, what: str, *tags: int) -> list[bytes]:
    objects = tlv.parse(data)
    if [each.tag for each in objects] != list(tags):
        raise MalformedData(f"{what}: not the objects it is made of")
    return [each.value for each in objects]


def _bits(value: bytes) -> bytes:
    if value[:1] != b"\0":
        raise MalformedData("public key: a bit string that is not whole bytes")
    return value[1:]
