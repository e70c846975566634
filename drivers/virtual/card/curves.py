"""Elliptic curves of PACE with the chip's arithmetic (Doc 9303-11, 9.5.1).

OpenSSL multiplies. It gives x-coordinates only; of the two points with one the chip takes the even one. For
keys and generators that is as good: minus a point is what minus the private key gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import ecdsa
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import INFINITY, PointJacobi

from drivers.virtual.card.words import Random, StatusWord

Point: TypeAlias = Any  # a PointJacobi: the library has no types
UNCOMPRESSED = 0x04
DRAWS = 64  # each fails for one key in two at the very most


class Curve:
    """Faults of a peer's point are 6A80, of a degenerate agreement 6300."""

    def __init__(self, domain: ecdsa.curves.Curve, named: ec.EllipticCurve) -> None:
        self._equation = domain.curve
        self._prime = domain.curve.p()
        self.order = int(domain.order)
        self.named = named
        self.bytes = (self._prime.bit_length() + 7) // 8

    def draw(self, random: Random) -> Secret:
        """A private key, 1 … order - 1."""
        for _ in range(DRAWS):
            number = int.from_bytes(random(self.bytes), "big")
            if 0 < number < self.order:
                return Secret(self, number)
        raise StatusWord(0x6F00)

    def decode(self, data: bytes) -> Point:
        """A public key 04 ‖ x ‖ y that lies on the curve, whose cofactor is 1."""
        if len(data) != 1 + 2 * self.bytes or data[0] != UNCOMPRESSED:
            raise StatusWord(0x6A80)
        x = int.from_bytes(data[1 : 1 + self.bytes], "big")
        y = int.from_bytes(data[1 + self.bytes :], "big")
        if max(x, y) >= self._prime or not self._equation.contains_point(x, y):
            raise StatusWord(0x6A80)
        return self.point(x, y)

    def encode(self, point: Point) -> bytes:
        whole: bytes = point.to_bytes("uncompressed")
        return whole

    def even(self, x: int) -> Point:
        """Of the two points with this x-coordinate the one with an even y; every p here is 3 modulo 4."""
        p, equation = self._prime, self._equation
        root = pow(x**3 + equation.a() * x + equation.b(), (p + 1) // 4, p)
        return self.point(x, p - root if root % 2 else root)

    def point(self, x: int, y: int) -> Point:
        return PointJacobi(self._equation, x, y, 1, self.order)


class Secret:
    """A private key of the chip's."""

    def __init__(self, curve: Curve, number: int) -> None:
        self._curve = curve
        self._number = number
        self._key = ec.derive_private_key(number, curve.named)

    @property
    def public(self) -> Point:
        """Itself x G."""
        known = self._key.public_key().public_numbers()
        return self._curve.point(known.x, known.y)

    def shared(self, theirs: Point) -> bytes:
        """The x-coordinate of the agreed point, which no point of a curve of prime order makes infinite."""
        encoded = self._curve.encode(theirs)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(self._curve.named, encoded)
        return self._key.exchange(ec.ECDH(), peer)

    def times(self, point: Point) -> Point:
        """Itself x point, or minus that: a peer's agreement with the one is that with the other."""
        return self._curve.even(int.from_bytes(self.shared(point), "big"))

    def map(self, nonce: int, theirs: Point) -> Point:
        """Generic mapping (4.4.3.3.1) up to the sign: nonce x G + H, where H is itself x theirs."""
        order = self._curve.order
        quotient = nonce * pow(self._number, -1, order) % order
        base = Secret(self._curve, quotient).public + theirs if quotient else theirs
        if base == INFINITY:
            raise StatusWord(0x6300)
        return self.times(base)


# Standardized domain parameters (9.5.1, table 4)
CURVES: Mapping[int, Curve] = {
    12: Curve(ecdsa.NIST256p, ec.SECP256R1()),
    13: Curve(ecdsa.BRAINPOOLP256r1, ec.BrainpoolP256R1()),
    15: Curve(ecdsa.NIST384p, ec.SECP384R1()),
    16: Curve(ecdsa.BRAINPOOLP384r1, ec.BrainpoolP384R1()),
}
