"""The chip's points against `ecdsa`'s own multiplication, on every curve of PACE."""

from __future__ import annotations

import secrets

import ecdsa
import pytest

from drivers.virtual.card.curves import CURVES, Secret
from drivers.virtual.card.words import StatusWord

DOMAINS = {12: ecdsa.NIST256p, 13: ecdsa.BRAINPOOLP256r1, 15: ecdsa.NIST384p, 16: ecdsa.BRAINPOOLP384r1}
GENERATORS = {number: domain.generator.to_bytes("uncompressed") for number, domain in DOMAINS.items()}


@pytest.mark.parametrize("number", CURVES)
def test_a_point_is_multiplied_as_ecdsa_does_up_to_its_sign(number: int) -> None:
    curve, domain = CURVES[number], DOMAINS[number]
    order = int(domain.order)
    for secret in (1, 2, order - 1, secrets.randbelow(order - 2) + 1):
        key = Secret(curve, secret)
        assert curve.encode(key.public) == (domain.generator * secret).to_bytes("uncompressed")
        for times in (1, order - 1, secrets.randbelow(order - 1) + 1):
            point = curve.decode((domain.generator * times).to_bytes("uncompressed"))
            wanted = point * secret
            assert key.shared(point) == wanted.x().to_bytes(curve.bytes)
            assert key.times(point).x() == wanted.x()
            assert key.times(point).y() in (wanted.y(), domain.curve.p() - wanted.y())


@pytest.mark.parametrize("number", CURVES)
def test_a_nonce_is_mapped_as_the_standard_says_up_to_its_sign(number: int) -> None:
    curve, order = CURVES[number], int(DOMAINS[number].order)
    theirs, key = Secret(curve, 7).public, Secret(curve, 11)

    def even(multiple: int) -> bytes:
        return curve.encode(Secret(curve, multiple).times(curve.decode(GENERATORS[number])))

    for nonce in (0, 1, order, order - 76, secrets.randbelow(order)):
        assert curve.encode(key.map(nonce, theirs)) == even((nonce + 77) % order)
    with pytest.raises(StatusWord, match="6300"):
        key.map(order - 77, theirs)
