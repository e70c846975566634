"""What a border believes, and everything it must not."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from support.pa import HASHES, IMAGE, authenticate, refused
from support.signer import (
    NOW,
    csca,
    document_signer,
    ef_sod,
    signer_info,
    state,
    usage,
)

from firmware.document import der
from firmware.document.errors import Check, NotAuthenticError
from firmware.document.lds import Fid, encode_com
from firmware.document.signatures import verify
from firmware.document.sod import parse


def with_group(fid: int, content: bytes) -> dict[int, bytes]:
    return {**IMAGE.files, fid: content}


# --- what holds ---


def test_a_genuine_chip_is_believed_and_every_check_is_named() -> None:
    report = authenticate(ef_sod(HASHES))
    assert report.data_groups == (1, 2, 13)
    assert report.signed_at == NOW
    assert set(report.checks) == {str(check) for check in Check} - {Check.CARD_ACCESS, Check.CHIP_KEY}
    assert report.unread == ()


def test_without_ef_com_its_check_is_not_claimed() -> None:
    files = {fid: c for fid, c in IMAGE.files.items() if fid != Fid.COM}
    assert str(Check.COM) not in authenticate(ef_sod(HASHES), files).checks


PSS = {
    "algorithm": "rsassa_pss",
    "parameters": {
        "hash_algorithm": {"algorithm": "sha384"},
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha384"}},
        "salt_length": 48,
    },
}


@pytest.mark.parametrize(
    ("key", "algorithm", "named"),
    [
        (ec.SECP384R1(), "sha384", None),
        (ec.SECP521R1(), "sha512", None),
        (ec.BrainpoolP256R1(), "sha256", None),
        (2048, "sha256", None),
        (2048, "sha256", {"algorithm": "rsassa_pkcs1v15"}),
        (2048, "sha384", PSS),
    ],
)
def test_the_allowed_algorithms_hold(key: Any, algorithm: str, named: Any) -> None:
    private = (
        ec.generate_private_key(key)
        if isinstance(key, ec.EllipticCurve)
        else rsa.generate_private_key(65537, key)
    )
    ds = document_signer(state()[0], private)
    listed = {n: hashlib.new(algorithm, IMAGE.files[0x100 + n]).digest() for n in HASHES}
    sod = ef_sod(listed, ds, algorithm, named)
    assert authenticate(sod).hash_algorithm == algorithm


def test_a_second_csca_of_the_same_name_does_not_hide_the_right_one() -> None:
    authority, ds = state()
    assert authenticate(ef_sod(HASHES, ds), trust=(csca(), authority))


def test_stock_openssl_accepts_the_same_cms(tmp_path: Any) -> None:
    authority, ds = state()
    (tmp_path / "csca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "sod.cms").write_bytes(der.one(ef_sod(HASHES, ds)).value)
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "sod.cms",
         "-CAfile", "csca.pem", "-attime", str(int(NOW.timestamp())), "-out", "lds.der"],
        cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lds.der").read_bytes() == parse(ef_sod(HASHES, ds)).content


# --- hashes ---


@pytest.mark.parametrize("fid", [Fid.DG1, Fid.DG2, Fid.DG13])
def test_one_flipped_bit_in_any_data_group_is_found(fid: int) -> None:
    content = IMAGE.files[fid]
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    refused(ef_sod(HASHES), Check.HASHES, files=with_group(fid, flipped))


def test_a_wrong_hash_is_found() -> None:
    refused(ef_sod({**HASHES, 1: bytes(32)}), Check.HASHES)


def test_a_data_group_that_was_not_signed_is_found() -> None:
    refused(ef_sod({n: h for n, h in HASHES.items() if n != 13}), Check.HASHES)


def test_a_signed_data_group_that_is_not_there_is_found() -> None:
    refused(ef_sod({**HASHES, 15: bytes(32)}), Check.HASHES)


def test_an_ef_com_that_hides_a_data_group_is_found() -> None:
    refused(ef_sod(HASHES), Check.COM, files=with_group(Fid.COM, encode_com((0x61, 0x75))))


# --- signature ---


def test_a_flipped_bit_in_the_signature_is_found() -> None:
    sod = ef_sod(HASHES)
    signature = parse(sod).signature
    at = sod.index(signature) + len(signature) - 1
    refused(sod[:at] + bytes([sod[at] ^ 1]) + sod[at + 1 :], Check.SIGNATURE)


def test_a_message_digest_of_other_content_is_found() -> None:
    def bend(attributes: list[dict[str, Any]]) -> None:
        attributes[1]["values"] = [bytes(32)]

    refused(ef_sod(HASHES, bend_attributes=bend), Check.MESSAGE_DIGEST)


def test_another_content_type_among_the_signed_attributes_is_found() -> None:
    def bend(attributes: list[dict[str, Any]]) -> None:
        attributes[0]["values"] = ["data"]

    refused(ef_sod(HASHES, bend_attributes=bend), Check.CONTENT_TYPE)


def test_a_signed_attribute_twice_is_found() -> None:
    def bend(attributes: list[dict[str, Any]]) -> None:
        attributes.append({"type": "message_digest", "values": [bytes(32)]})

    refused(ef_sod(HASHES, bend_attributes=bend), Check.SOD)


def test_a_sod_without_signed_attributes_is_found() -> None:
    def bend(signed: dict[str, Any]) -> None:
        del signed["signer_infos"][0]["signed_attrs"]

    refused(ef_sod(HASHES, bend=bend), Check.MESSAGE_DIGEST)


def test_another_content_type_outside_is_found() -> None:
    def bend(signed: dict[str, Any]) -> None:
        signed["encap_content_info"]["content_type"] = "1.2.3.4"

    refused(ef_sod(HASHES, bend=bend), Check.CONTENT_TYPE)


def test_a_second_signer_is_one_too_many() -> None:
    def bend(signed: dict[str, Any]) -> None:
        other = document_signer(state()[0])
        content = signed["encap_content_info"]["content"].native
        signed["signer_infos"].append(signer_info(content, other))

    refused(ef_sod(HASHES, bend=bend), Check.ONE_SIGNER)


def test_no_signer_is_one_too_few() -> None:
    refused(ef_sod(HASHES, bend=lambda signed: signed.update(signer_infos=[])), Check.ONE_SIGNER)


def test_sha1_is_not_believed() -> None:
    listed = {n: hashlib.sha1(IMAGE.files[0x100 + n]).digest() for n in HASHES}  # noqa: S324 (to be refused)
    refused(ef_sod(listed, algorithm="sha1"), Check.ALGORITHM)


def test_a_digest_algorithm_that_contradicts_the_signatures_is_found() -> None:
    def bend(signed: dict[str, Any]) -> None:
        signed["signer_infos"][0]["signature_algorithm"] = {"algorithm": "sha512_ecdsa"}

    refused(ef_sod(HASHES, bend=bend), Check.ALGORITHM)


@pytest.mark.parametrize("key", [ec.SECP192R1(), ec.SECP256K1(), 1024])
def test_weak_keys_are_not_believed(key: Any) -> None:
    private = (
        ec.generate_private_key(key)
        if isinstance(key, ec.EllipticCurve)
        else rsa.generate_private_key(65537, key)
    )
    refused(ef_sod(HASHES, document_signer(state()[0], private)), Check.ALGORITHM)


# --- certificates ---


def test_a_csca_that_nobody_trusts_is_found() -> None:
    authority = csca("Another made-up CSCA")
    refused(ef_sod(HASHES, document_signer(authority)), Check.CHAIN)


def test_a_csca_of_the_right_name_and_another_key_is_found() -> None:
    refused(ef_sod(HASHES, document_signer(csca())), Check.CHAIN)


def test_an_issuer_that_is_no_authority_is_found() -> None:
    authority = csca(ca=False)
    refused(ef_sod(HASHES, document_signer(authority)), Check.CHAIN, trust=(authority,))


def test_the_csca_itself_does_not_sign_documents() -> None:
    authority = state()[0]
    refused(ef_sod(HASHES, authority), Check.KEY_USAGE)


@pytest.mark.parametrize("days", [-2, 366])
def test_a_ds_outside_its_time_is_found(days: int) -> None:
    refused(ef_sod(HASHES), Check.VALIDITY, at=NOW + timedelta(days=days))


def test_an_expired_csca_is_found() -> None:
    authority = csca(days=10)
    sod = ef_sod(HASHES, document_signer(authority))
    assert authenticate(sod, trust=(authority,))
    refused(sod, Check.VALIDITY, trust=(authority,), at=NOW + timedelta(days=11))


def test_a_ds_without_digital_signature_is_found() -> None:
    ds = document_signer(state()[0], key_usage=usage(key_agreement=True))
    refused(ef_sod(HASHES, ds), Check.KEY_USAGE)


def test_an_unknown_critical_extension_is_found() -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    ds = document_signer(state()[0], extra=((odd, True),))
    refused(ef_sod(HASHES, ds), Check.DS)


def test_a_certificate_signature_over_sha1_is_not_believed() -> None:
    sha1 = algos.SignedDigestAlgorithm({"algorithm": "sha1_ecdsa"}).dump()
    with pytest.raises(NotAuthenticError) as caught:
        verify(state()[0].key.public_key(), sha1, b"", b"")
    assert caught.value.check is Check.ALGORITHM


def test_a_sod_without_its_certificate_is_found() -> None:
    refused(ef_sod(HASHES, bend=lambda signed: signed.update(certificates=[])), Check.DS)


def test_a_certificate_of_someone_else_is_found() -> None:
    def bend(signed: dict[str, Any]) -> None:
        signed["certificates"] = [asn1_x509.Certificate.load(state()[0].der)]

    refused(ef_sod(HASHES, bend=bend), Check.DS)
