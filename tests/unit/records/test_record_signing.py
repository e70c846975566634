"""Keys that stay outside the process sign what any tool believes; a key that lies is found at once."""

from __future__ import annotations

import copy
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support import record
from support.signer import NOW, Identity, csca, document_signer

from firmware.records.format import cms
from firmware.records.format.signing import (
    LDS_1_7,
    LDS_1_8,
    ExternalKey,
    ExternalKeyFailed,
    Signer,
    ef_sod,
    lds_security_object,
    sign_detached,
)

HASHES = {1: b"\x11" * 32, 2: b"\x22" * 32, 14: b"\x33" * 32}


def external(key: ec.EllipticCurvePrivateKey, width: int | None = None) -> ExternalKey:
    """A key like a token's: it takes a digest and answers r ‖ s."""

    def sign_digest(digest: bytes) -> bytes:
        of = {32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}[len(digest)]
        r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(of))))
        each = width or (key.key_size + 7) // 8
        return r.to_bytes(each, "big") + s.to_bytes(each, "big")

    return ExternalKey(key.public_key(), sign_digest)


def verified(ef_sod: bytes, authority: Identity, folder: Path) -> bytes:
    """What `openssl cms -verify` finds inside an EF.SOD."""
    sod, anchor, out = folder / "sod.der", folder / "csca.pem", folder / "content.der"
    sod.write_bytes(ef_sod[4:])
    anchor.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", sod, "-CAfile", anchor, "-out", out]
    done = subprocess.run([*command, "-attime", str(int(NOW.timestamp()))], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return out.read_bytes()


@pytest.mark.parametrize("version", [LDS_1_7, LDS_1_8])
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.BrainpoolP384R1()])
def test_openssl_verifies_a_sod_by_a_key_outside(
    curve: ec.EllipticCurve, version: str, tmp_path: Path
) -> None:
    authority = csca()
    key = ec.generate_private_key(curve)
    signer = Signer(external(key), document_signer(authority, key).certificate)
    sod = ef_sod(HASHES, signer, NOW, version)
    assert verified(sod, authority, tmp_path) == lds_security_object(HASHES, version)


def test_a_manifest_signed_by_a_key_outside_is_read_like_any_other() -> None:
    keys = record.keys()
    signer = Signer(external(keys.box.key), keys.box.certificate)
    assert cms.verify(sign_detached(b"{}", signer), b"{}", keys.box_ca, record.NOW) == signer.box


def test_a_key_outside_asks_for_its_certificate_like_any_other() -> None:
    key = external(ec.generate_private_key(ec.SECP256R1()))
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    assert request.sign(key, hashes.SHA256()).is_signature_valid


def test_a_signature_of_another_key_is_never_given_away() -> None:
    mine, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    lies = ExternalKey(mine.public_key(), external(other)._sign_digest)
    with pytest.raises(ExternalKeyFailed, match="another key"):
        lies.sign(b"text", ec.ECDSA(hashes.SHA256()))


def test_a_signature_of_another_length_is_never_given_away() -> None:
    with pytest.raises(ExternalKeyFailed, match="no signature"):
        external(ec.generate_private_key(ec.SECP256R1()), 48).sign(b"text", ec.ECDSA(hashes.SHA256()))


def test_a_key_outside_never_leaves_its_place() -> None:
    key = external(ec.generate_private_key(ec.SECP256R1()))
    assert copy.deepcopy(key) is key and copy.copy(key) is key
    for taking in (
        key.private_numbers,
        lambda: key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        lambda: key.exchange(ec.ECDH(), key.public_key()),
        lambda: key.sign(b"\0" * 32, ec.ECDSA(utils.Prehashed(hashes.SHA256()))),
    ):
        with pytest.raises(UnsupportedAlgorithm):
            taking()


@pytest.mark.parametrize(
    ("groups", "version"),
    [
        ({}, LDS_1_7),
        ({0: b"\0" * 32}, LDS_1_7),
        ({17: b"\0" * 32}, LDS_1_7),
        ({1: b"\0" * 20}, LDS_1_7),
        (HASHES, "0109"),
    ],
)
def test_what_no_sod_can_say_is_not_signed(groups: dict[int, bytes], version: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        lds_security_object(groups, version)


@pytest.mark.parametrize(("year", "tag"), [(2049, 0x17), (2050, 0x18)])
def test_signing_times_from_2050_on_have_four_digits_of_year(year: int, tag: int) -> None:
    authority = csca()
    ds = document_signer(authority)
    assert isinstance(ds.key, ec.EllipticCurvePrivateKey)
    sod = ef_sod(HASHES, Signer(ds.key, ds.certificate), datetime(year, 1, 1, tzinfo=UTC))
    signing_time = sod.index(bytes.fromhex("06092A864886F70D010905"))
    assert sod[signing_time + 13] == tag
