"""A private key for one key agreement, multiplied by OpenSSL (TR-03111, 4.3.1).

OpenSSL's scalar multiplication takes the same time for every scalar. `cryptography` gives only the x
coordinate of its result; generic mapping needs the whole point, which `multiply` makes from two of them.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from drivers.chip.ec import Curve, Point, Random


class EphemeralKey:
    """`public` is private · generator of the curve."""

    def __init__(self, curve: Curve, random: Random) -> None:
        self._curve = curve
        self._private = ec.derive_private_key(curve.scalar(random), curve.openssl)
        self.public = curve.point(self._private.public_key())

    def agree(self, theirs: Point) -> bytes:
        """The x coordinate of private · theirs, full width. Raises MalformedData at infinity."""
        return self._private.exchange(ec.ECDH(), self._curve.openssl_key(theirs))

    def multiply(self, point: Point) -> Point:
        """private · point. Raises MalformedData for the point at infinity and for minus the generator.

        With Q = k·P and R = k·G, of which all is known but Q's y, Q + R is k·(P + G). The law of addition
        for its x coordinate, x3 = ((yQ - yR) / (xQ - xR))² - xQ - xR, and the equation of the curve give

            2 yR · yQ = (xQ + xR)(xQ · xR + a) + 2 b - x3 (xQ - xR)²

        (Brier and Joye, PKC 2002, proposition 3). It holds for Q = R as well.
        """
        equation = self._curve.parameters.curve
        p, a, b = equation.p(), equation.a(), equation.b()
        x_r, y_r = self.public.x(), self.public.y()
        x_q = int.from_bytes(self.agree(point), "big")
        x_3 = int.from_bytes(self.agree(point + self._curve.generator), "big")
        twice = (x_q + x_r) * (x_q * x_r + a) + 2 * b - x_3 * (x_q - x_r) ** 2
        y_q = twice * pow(2 * y_r, -1, p) % p
        return self._curve.checked(x_q, y_q)
