"""Elliptic curves of PACE with the chip's arithmetic (Doc 9303-11, 9.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import ecdsa
from ecdsa.ellipticcurve import INFINITY, PointJacobi

from drivers.virtual.card.words import Random, StatusWord

Point: TypeAlias = Any  # a PointJacobi: the library has no types
UNCOMPRESSED = 0x04
DRAWS = 64  # each fails for one key in two at the very most


class Curve:
    """Faults of a peer's point are 6A80, of a degenerate agreement 6300."""

    def __init__(self, domain: ecdsa.curves.Curve) -> None:
        self._domain = domain
        self.bytes = (domain.curve.p().bit_length() + 7) // 8

    @property
    def generator(self) -> Point:
        return self._domain.generator

    def draw(self, random: Random) -> int:
        """A private key, 1 … order - 1."""
        for _ in range(DRAWS):
            key = int.from_bytes(random(self.bytes), "big")
            if 0 < key < self._domain.order:
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
        return PointJacobi(self._domain.curve, x, y, 1, self._domain.order)

    def encode(self, point: Point) -> bytes:
        x, y = (int(c).to_bytes(self.bytes, "big") for c in (point.x(), point.y()))
        return bytes((UNCOMPRESSED,)) + x + y

    def map(self, nonce: int, theirs: Point, secret: int) -> Point:
        """Generic mapping: nonce x G + H, where H is agreed by Diffie-Hellman (4.4.3.3.1)."""
        mapped = self.generator * (nonce % self._domain.order) + theirs * secret
        return self._finite(mapped)

    def shared(self, theirs: Point, secret: int) -> bytes:
        """The x-coordinate of the agreed point."""
        return int(self._finite(theirs * secret).x()).to_bytes(self.bytes, "big")

    def _finite(self, point: Point) -> Point:
        if point == INFINITY:
            raise StatusWord(0x6300)
        return point


# Standardized domain parameters (9.5.1, table 4)
CURVES: Mapping[int, Curve] = {
    12: Curve(ecdsa.NIST256p),
    13: Curve(ecdsa.BRAINPOOLP256r1),
    15: Curve(ecdsa.NIST384p),
    16: Curve(ecdsa.BRAINPOOLP384r1),
}
