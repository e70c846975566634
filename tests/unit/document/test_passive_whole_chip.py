"""Passive authentication of a chip with all it may have: what is unread is said, what lies is found."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from support.pa import authenticate, refused
from support.people import CAPTURED, PERSON, jp2
from support.signer import NOW, Identity, csca, document_signer, ef_sod, state

from firmware.document import security
from firmware.document.chip_keys import Features
from firmware.document.errors import Check
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.keys import encode_public
from firmware.document.lds import DG_TAGS, Fid, encode_com
from firmware.document.passive import passive_authentication, public_key
from firmware.document.sod import parse
from firmware.records.format.signing import Signer
from firmware.records.format.signing import ef_sod as signed

WHOLE = Features(aa="p256", ca="p256", pace=True, can=True, dg3=True, lds_version="0108")
CHIP = CardImage.of(PERSON, jp2(), CAPTURED, WHOLE, [Finger(2, bytes(64), 8, 8, Compression.RAW)])


@cache
def sod() -> bytes:
    ds = state()[1]
    assert isinstance(ds.key, ec.EllipticCurvePrivateKey)
    return signed(CHIP.data_group_hashes(), Signer(ds.key, ds.certificate), NOW, "0108")


def without(*fids: int) -> dict[int, bytes]:
    return {fid: content for fid, content in CHIP.files.items() if fid not in fids}


def report(files: Any, *unread: int) -> Any:
    return passive_authentication(parse(sod()), files, [state()[0].certificate], NOW, unread)


def test_a_whole_chip_is_believed_and_every_check_is_named() -> None:
    found = authenticate(sod(), CHIP.files)
    assert set(found.checks) == set(map(str, Check))
    assert found.data_groups == (1, 2, 3, 13, 14, 15) and found.unread == ()


def test_a_guarded_finger_is_left_out_only_when_it_was_said_before_and_is_named() -> None:
    refused(sod(), Check.HASHES, files=without(Fid.DG3))
    found = report(without(Fid.DG3), Fid.DG3, 0x0104)
    assert found.unread == (3,) and 3 in found.data_groups


def test_a_file_that_could_be_read_after_all_is_compared() -> None:
    bent = {**CHIP.files, Fid.DG3: CHIP.files[Fid.DG3][:-1] + b"\x01"}
    with pytest.raises(Exception, match="DG3"):
        report(bent, Fid.DG3)


def test_only_what_was_named_may_be_missing() -> None:
    with pytest.raises(Exception, match="13"):
        report(without(Fid.DG3, Fid.DG13), Fid.DG3)


def test_card_access_that_dg14_does_not_know_is_found() -> None:
    other = security.encode_card_access([security.PaceInfo(security.PACE_ECDH_GM_AES_128, 2, 13)])
    refused(sod(), Check.CARD_ACCESS, files={**CHIP.files, Fid.CARD_ACCESS: other})


def test_pace_that_was_taken_away_is_missed_unless_it_was_said() -> None:
    refused(sod(), Check.CARD_ACCESS, files=without(Fid.CARD_ACCESS))
    found = report(without(Fid.CARD_ACCESS), Fid.CARD_ACCESS)
    assert Check.CARD_ACCESS not in found.checks


def test_chip_authentication_without_a_key_is_found_though_it_is_signed() -> None:
    info = security.chip_authentication(CHIP.keys.ca_public or b"")[0]
    dg14 = security.encode_dg14([security.PACE, info])
    files = {**CHIP.files, Fid.DG14: dg14}
    image = {**CHIP.data_group_hashes(), 14: _sha256(dg14)}
    refused(ef_sod(image), Check.CHIP_KEY, files=files)


def test_an_ef_com_of_another_lds_than_was_signed_is_found() -> None:
    tags = [DG_TAGS[n] for n in CHIP.data_group_hashes()]
    refused(sod(), Check.COM, files={**CHIP.files, Fid.COM: encode_com(tags, "0107")})


def test_version_information_in_version_0_is_no_sod() -> None:
    good = sod()
    at = good.index(bytes.fromhex("020101300d0609608648016503040201"))  # version 1, SHA-256
    bent = good[: at + 2] + b"\x00" + good[at + 3 :]
    refused(bent, Check.SOD, files=CHIP.files)


@pytest.mark.parametrize("curve", [ec.BrainpoolP256R1(), ec.SECP384R1()], ids=lambda curve: curve.name)
def test_authorities_whose_curve_is_written_out_are_believed(curve: ec.EllipticCurve) -> None:
    """As the standard wants it (Doc 9303-12, 4.4.3) and many states do."""
    authority = csca(key=ec.generate_private_key(curve))
    ds = document_signer(authority, ec.generate_private_key(curve))
    assert isinstance(ds.key, ec.EllipticCurvePrivateKey) and isinstance(
        authority.key, ec.EllipticCurvePrivateKey
    )
    root = written_out(authority, authority.key)
    leaf = written_out(ds, authority.key)
    made = signed(CHIP.data_group_hashes(), Signer(ds.key, leaf), NOW, "0108")
    assert passive_authentication(parse(made), CHIP.files, [root], NOW).csca == root.subject.rfc4514_string()
    assert public_key(leaf) == ds.key.public_key()


def written_out(identity: Identity, issuer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """The same certificate with all parameters of its curve, signed again."""
    parsed = asn1_x509.Certificate.load(identity.der)
    body = parsed["tbs_certificate"]
    key = identity.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    body["subject_public_key_info"] = asn1_x509.PublicKeyInfo.load(encode_public(key.public_key()))
    parsed["tbs_certificate"] = body
    parsed["signature_value"] = issuer.sign(body.dump(force=True), ec.ECDSA(hashes.SHA256()))
    return x509.load_der_x509_certificate(parsed.dump(force=True))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
