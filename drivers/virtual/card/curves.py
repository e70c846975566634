"""Elliptic curves of PACE with the chip's arithmetic (Doc 9303-11, 9.5.1).

OpenSSL multiplies. It gives x-coordinates only: which of the two points with one it is, the chip tries out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import ecdsa
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import INFINITY, PointJacobi

from drivers.virtual.card.words import Random, StatusWord

Point: TypeAlias = Any  # a PointJacobi: the library has no types
COMPRESSED, UNCOMPRESSED = 0x02, 0x04
DRAWS = 64  # each fails for one key in two at the very most


class Curve:
    """Faults of a peer's point are 6A80, of a degenerate agreement 6300."""

    def __init__(self, domain: ecdsa.curves.Curve, named: ec.EllipticCurve) -> None:
        self._domain = domain
        self._named = named
        self.bytes = (domain.curve.p().bit_length() + 7) // 8

    def public(self, secret: int) -> Point:
        """secret x G."""
        known = ec.derive_private_key(secret, self._named).public_key().public_numbers()
        return self._point(known.x, known.y)

    def draw(self, random: Random) -> int:
        """A private key, 1 … order - 2: `times` looks at the next one as well."""
        for _ in range(DRAWS):
            key = int.from_bytes(random(self.bytes), "big")
            if 0 < key < self._domain.order - 1:
                return key
        raise StatusWord(0x6F00)

    def decode(self, data: bytes) -> Point:
        """A public key 04 ‖ x ‖ y that lies on the curve, whose cofactor is 1."""
        if len(data) != 1 + 2 * self.bytes or data[0] != UNCOMPRESSED:
            raise StatusWord(0x6A80)
        x = int.from_bytes(data[1 : 1 + self.bytes], "big")
        y = int.from_bytes(data[1 + self.bytes :], "big")
        if max(x, y) >= self._domain.curve.p() or not self._domain.curve.contains_point(x, y):
            raise StatusWord(0x6A80)
        return self._point(x, y)

    def encode(self, point: Point) -> bytes:
        whole: bytes = point.to_bytes("uncompressed")
        return whole

    def map(self, nonce: int, theirs: Point, secret: int) -> Point:
        """Generic mapping: nonce x G + H, where H is agreed by Diffie-Hellman (4.4.3.3.1)."""
        agreed = self.times(theirs, secret)
        scalar = nonce % int(self._domain.order)
        mapped = self.public(scalar) + agreed if scalar else agreed
        if mapped == INFINITY:
            raise StatusWord(0x6300)
        return mapped.scale()

    def times(self, point: Point, secret: int) -> Point:
        """secret x point: of the two with its x-coordinate, the one from which a step more leads on."""
        either = ec.EllipticCurvePublicKey.from_encoded_point(
            self._named, bytes((COMPRESSED,)) + self.shared(point, secret)
        ).public_numbers()
        found = self._point(either.x, either.y)
        following = int.from_bytes(self.shared(point, secret + 1), "big")
        if (found + point).x() == following:
            return found
        return self._point(either.x, int(self._domain.curve.p()) - either.y)

    def shared(self, theirs: Point, secret: int) -> bytes:
        """The x-coordinate of the agreed point, which no point of a curve of prime order makes infinite."""
        peer = ec.EllipticCurvePublicKey.from_encoded_point(self._named, self.encode(theirs))
        return ec.derive_private_key(secret, self._named).exchange(ec.ECDH(), peer)

    def _point(self, x: int, y: int) -> Point:
        return PointJacobi(self._domain.curve, x, y, 1, self._domain.order)


# Standardized domain parameters (9.5.1, table 4)
CURVES: Mapping[int, Curve] = {
    12: Curve(ecdsa.NIST256p, ec.SECP256R1()),
    13: Curve(ecdsa.BRAINPOOLP256r1, ec.BrainpoolP256R1()),
    15: Curve(ecdsa.NIST384p, ec.SECP384R1()),
    16: Curve(ecdsa.BRAINPOOLP384r1, ec.BrainpoolP384R1()),
}
