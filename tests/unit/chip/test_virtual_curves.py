"""The chip's points against `ecdsa`'s own multiplication, on every curve of PACE."""

from __future__ import annotations

import secrets

import ecdsa
import pytest

from drivers.virtual.card.curves import CURVES
from drivers.virtual.card.words import StatusWord

DOMAINS = {12: ecdsa.NIST256p, 13: ecdsa.BRAINPOOLP256r1, 15: ecdsa.NIST384p, 16: ecdsa.BRAINPOOLP384r1}


@pytest.mark.parametrize("number", CURVES)
def test_a_point_is_multiplied_as_ecdsa_does(number: int) -> None:
    curve, domain = CURVES[number], DOMAINS[number]
    order = int(domain.order)
    for secret in (1, 2, order - 2, secrets.randbelow(order - 2) + 1):
        assert curve.encode(curve.public(secret)) == (domain.generator * secret).to_bytes("uncompressed")
        for times in (1, order - 1, secrets.randbelow(order - 1) + 1):
            point = curve.decode((domain.generator * times).to_bytes("uncompressed"))
            wanted = (point * secret).to_bytes("uncompressed")
            assert curve.encode(curve.times(point, secret)) == wanted
            assert curve.shared(point, secret) == wanted[1 : 1 + curve.bytes]


@pytest.mark.parametrize("number", CURVES)
def test_a_nonce_of_nothing_or_the_order_maps_to_what_was_agreed(number: int) -> None:
    curve, order = CURVES[number], int(DOMAINS[number].order)
    theirs, secret = curve.public(7), 11
    agreed = curve.encode(curve.public(77))
    assert curve.encode(curve.map(0, theirs, secret)) == agreed
    assert curve.encode(curve.map(order, theirs, secret)) == agreed
    assert curve.encode(curve.map(1, theirs, secret)) == curve.encode(curve.public(78))
    with pytest.raises(StatusWord, match="6300"):
        curve.map(order - 77, theirs, secret)
