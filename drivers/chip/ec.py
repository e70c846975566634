"""Points on the curves of PACE, Chip and Active Authentication (Doc 9303-11, 9.5.1; TR-03111, 3.2).

PACE needs a point as a result and a generator of its own, which `cryptography` does not offer: those
come from `ecdsa`, which is pure Python and not constant in time. What leaks to somebody who measures us
closely is about scalars that are used once; the decrypted nonce, which depends on the password, is
blinded before it multiplies (`map_generator`). Where the curve's own generator is enough (Chip and
Active Authentication) OpenSSL computes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ecdsa
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import INFINITY, PointJacobi
from ecdsa.errors import MalformedPointError

from drivers.chip.errors import MalformedData

UNCOMPRESSED = 0x04
TRIES = 128  # a draw is out of range in at most every third: 128 in a row mean a broken source

Random = Callable[[int], bytes]
Point = Any  # ecdsa.ellipticcurve.PointJacobi: the library has no types


@dataclass(frozen=True, slots=True)
class Curve:
    """Standardised domain parameters: `parameter_id` of Doc 9303-11, table 4; `oid` of the named curve."""

    name: str
    parameter_id: int
    oid: str
    parameters: Any  # ecdsa.curves.Curve
    openssl: ec.EllipticCurve

    @property
    def size(self) -> int:
        """Of a coordinate, in bytes."""
        return (int(self.parameters.curve.p()).bit_length() + 7) // 8

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
        encodings = ("uncompressed",)
        try:
            return PointJacobi.from_bytes(
                self.parameters.curve, raw, valid_encodings=encodings, order=self.order
            )
        except MalformedPointError as exc:
            raise MalformedData(f"a point that is not on {self.name}") from exc

    def encode(self, point: Point) -> bytes:
        """04 ‖ x ‖ y. Raises MalformedData for the point at infinity."""
        return bytes([UNCOMPRESSED]) + self._coordinate(point, "x") + self._coordinate(point, "y")

    def x(self, point: Point) -> bytes:
        """The x coordinate, full width: what a key agreement gives. MalformedData at infinity."""
        return self._coordinate(point, "x")

    def _coordinate(self, point: Point, name: str) -> bytes:
        if point == INFINITY:
            raise MalformedData("the point at infinity")
        return int(getattr(point, name)()).to_bytes(self.size, "big")


P_256 = Curve("P-256", 12, "1.2.840.10045.3.1.7", ecdsa.NIST256p, ec.SECP256R1())
BRAINPOOL_P256R1 = Curve(
    "brainpoolP256r1", 13, "1.3.36.3.3.2.8.1.1.7", ecdsa.BRAINPOOLP256r1, ec.BrainpoolP256R1()
)
P_384 = Curve("P-384", 15, "1.3.132.0.34", ecdsa.NIST384p, ec.SECP384R1())
BRAINPOOL_P384R1 = Curve(
    "brainpoolP384r1", 16, "1.3.36.3.3.2.8.1.1.11", ecdsa.BRAINPOOLP384r1, ec.BrainpoolP384R1()
)
CURVES = (P_256, BRAINPOOL_P256R1, P_384, BRAINPOOL_P384R1)


def map_generator(curve: Curve, nonce: int, shared: Point) -> Point:
    """Generic mapping: s·G + H (Doc 9303-11, 4.4.3.3.1), as (s - r)·G + (r·G + H) for a random r.

    Raises MalformedData when that is the point at infinity: it generates nothing.
    """
    r = secrets.randbelow(curve.order - 1) + 1
    mapped = curve.generator * ((nonce - r) % curve.order) + (curve.generator * r + shared)
    x, y = curve.x(mapped), curve._coordinate(mapped, "y")
    return PointJacobi(
        curve.parameters.curve, int.from_bytes(x, "big"), int.from_bytes(y, "big"), 1, curve.order
    )
