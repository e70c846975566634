"""A private key for one key agreement, multiplied by OpenSSL (TR-03111, 4.3.1).

OpenSSL's scalar multiplication takes the same time for every scalar. `cryptography` gives only the x
coordinate of its result, which leaves two points: the one, and the one minus it. A public key may be either,
as it is that of the private key or of minus that, and both agree on the same x coordinates.
"""

from __future__ import annotations

from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import ec

from drivers.chip.ec import Curve, Point, Random


class EphemeralKey:
    def __init__(self, curve: Curve, random: Random) -> None:
        self._curve = curve
        self._scalar = curve.scalar(random)
        self._private = ec.derive_private_key(self._scalar, curve.openssl)

    @cached_property
    def public(self) -> Point:
        """private · generator of the curve."""
        return self._curve.point(self._private.public_key())

    def agree(self, theirs: Point) -> bytes:
        """The x coordinate of private · theirs, full width. Raises MalformedData at infinity."""
        return self._private.exchange(ec.ECDH(), self._curve.openssl_key(theirs))

    def multiply(self, point: Point) -> Point:
        """Of ± private · point, the one with an even y. Raises MalformedData for the point at infinity."""
        return self._curve.lift(int.from_bytes(self.agree(point), "big"))

    def map_generator(self, nonce: int, theirs: Point) -> Point:
        """Generic mapping: ± (s·G + H), where H = private · theirs (Doc 9303-11, 4.4.3.3.1).

        As private · (s / private · G + theirs): what is added in Python is blinded by the private key. Either
        generator gives the same secret (above). Raises MalformedData when it is the point at infinity.
        """
        curve = self._curve
        share = nonce * pow(self._scalar, -1, curve.order) % curve.order
        return self.multiply(curve.times_generator(share) + theirs if share else theirs)
