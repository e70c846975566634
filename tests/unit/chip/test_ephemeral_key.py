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
    """The generator, minus it, and a point of nobody's choice."""
    generator = curve.generator
    return [generator, generator * (curve.order - 1), generator * (secrets.randbelow(curve.order - 2) + 1)]


def even(curve: Curve, point: Point) -> Point:
    """The point, or minus it."""
    y = int(point.y())
    return curve.checked(point.x(), int(curve.parameters.curve.p()) - y if y % 2 else y)


@every_curve
def test_a_point_is_multiplied_as_ecdsa_does_up_to_its_sign(curve: Curve) -> None:
    for scalar in (1, 2, curve.order - 1, secrets.randbelow(curve.order - 1) + 1):
        private = key(curve, scalar)
        assert curve.encode(private.public) == curve.encode(curve.generator * scalar)
        for point in points(curve):
            wanted = curve.encode(even(curve, point * scalar))
            assert curve.encode(private.multiply(point)) == wanted
            assert private.agree(point) == wanted[1 : 1 + curve.size]


@every_curve
@pytest.mark.parametrize("nonce", ["0", "1", "of its own", "the order"])
def test_a_nonce_maps_the_generator_as_the_standard_says_up_to_its_sign(curve: Curve, nonce: str) -> None:
    own = secrets.randbelow(1 << 128)
    s = {"0": 0, "1": 1, "of its own": own, "the order": curve.order}[nonce]
    scalar, theirs = 11, curve.generator * 7
    wanted = even(curve, curve.generator * (s % curve.order) + theirs * scalar)
    assert curve.encode(key(curve, scalar).map_generator(s, theirs)) == curve.encode(wanted)


@every_curve
def test_both_ends_agree_whatever_they_draw_and_whichever_points_they_take(curve: Curve) -> None:
    ours, theirs = (EphemeralKey(curve, secrets.token_bytes) for _ in range(2))
    generator = curve.generator * 5
    shared = {ours.agree(sign * theirs.multiply(generator)) for sign in (1, -1)} | {
        theirs.agree(ours.multiply(sign * generator)) for sign in (1, -1)
    }
    assert len(shared) == 1


@every_curve
def test_a_coordinate_of_no_point_is_none(curve: Curve) -> None:
    numbers = range(1, 200)
    lifted = [x for x in numbers if _lifts(curve, x)]
    assert 0 < len(lifted) < len(numbers)


def _lifts(curve: Curve, x: int) -> bool:
    try:
        return bool(curve.lift(x).x() == x)
    except MalformedData:
        return False
