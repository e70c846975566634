"""Multiplication by OpenSSL against `ecdsa`'s own, on every curve of PACE."""

from __future__ import annotations

import secrets

import pytest

from drivers.chip.ec import CURVES, Curve, Point
from drivers.chip.ephemeral import EphemeralKey
from drivers.chip.errors import MalformedData

every_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def key(curve: Curve, scalar: int) -> EphemeralKey:
    return EphemeralKey(curve, lambda size: scalar.to_bytes(size, "big"))


def points(curve: Curve) -> list[Point]:
    """The generator, a neighbour of what leads to infinity, and a point of nobody's choice."""
    generator = curve.generator
    return [generator, generator * (curve.order - 2), generator * (secrets.randbelow(curve.order - 2) + 1)]


@every_curve
def test_a_point_is_multiplied_as_ecdsa_does(curve: Curve) -> None:
    for scalar in (1, 2, curve.order - 1, secrets.randbelow(curve.order - 1) + 1):
        private = key(curve, scalar)
        assert curve.encode(private.public) == curve.encode(curve.generator * scalar)
        for point in points(curve):
            wanted = curve.encode(point * scalar)
            assert curve.encode(private.multiply(point)) == wanted
            assert private.agree(point) == wanted[1 : 1 + curve.size]


@every_curve
def test_minus_the_generator_is_no_key(curve: Curve) -> None:
    """It would be a card's way to say that both know the answer; the formula divides by nothing there."""
    with pytest.raises(MalformedData, match="infinity"):
        key(curve, secrets.randbelow(curve.order - 1) + 1).multiply(curve.generator * (curve.order - 1))


@every_curve
def test_both_ends_agree_whatever_they_draw(curve: Curve) -> None:
    ours, theirs = (EphemeralKey(curve, secrets.token_bytes) for _ in range(2))
    assert curve.encode(ours.multiply(theirs.public)) == curve.encode(theirs.multiply(ours.public))
