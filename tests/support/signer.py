"""A document signer of a made-up state, with knobs that turn its EF.SOD into a bad one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from firmware.document import der
from firmware.document.sod import LDS_SECURITY_OBJECT, LdsSecurityObject

NOW = datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Knob = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Identity:
    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def name(common: str) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")
    return x509.Name([country, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(**on: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{each: on.get(each, False) for each in names})


def csca(common: str = "Made-up CSCA", key: Key | None = None, days: int = 3650, **kw: Any) -> Identity:
    key = key or ec.generate_private_key(ec.SECP256R1())
    extensions = [
        (x509.BasicConstraints(ca=kw.pop("ca", True), path_length=None), True),
        (usage(key_cert_sign=True, crl_sign=True), True),
    ]
    return _certificate(common, key, common, key, extensions, days)


def document_signer(
    issuer: Identity,
    key: Key | None = None,
    key_usage: x509.KeyUsage | None = None,
    days: int = 365,
    extra: tuple[Any, ...] = (),
    **kw: Any,
) -> Identity:
    key = key or ec.generate_private_key(ec.SECP256R1())
    extensions = [(key_usage or usage(digital_signature=True), True), *extra]
    issuer_name = issuer.certificate.subject
    return _certificate("Made-up DS", key, issuer_name, issuer.key, extensions, days, **kw)


def _certificate(
    common: str,
    key: Key,
    issuer: str | x509.Name,
    issuer_key: Key,
    extensions: list[Any],
    days: int,
    digest: hashes.HashAlgorithm | None = None,
) -> Identity:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(name(issuer) if isinstance(issuer, str) else issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + days * DAY)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Identity(builder.sign(issuer_key, digest or hashes.SHA256()), key)


@cache
def state() -> tuple[Identity, Identity]:
    """One CSCA and one DS under it, made once per run."""
    authority = csca()
    return authority, document_signer(authority)


def ef_sod(
    data_group_hashes: Mapping[int, bytes],
    ds: Identity | None = None,
    algorithm: str = "sha256",
    signature_algorithm: Mapping[str, Any] | None = None,
    version: int = 0,
    bend: Knob = lambda signed: None,
    bend_attributes: Callable[[list[dict[str, Any]]], None] = lambda attributes: None,
) -> bytes:
    """EF.SOD over these hashes. `bend` may change the SignedData before it is encoded."""
    ds = ds or state()[1]
    content = LdsSecurityObject(
        {
            "version": version,
            "hash_algorithm": {"algorithm": algorithm},
            "hashes": [{"number": n, "value": h} for n, h in sorted(data_group_hashes.items())],
        }
    ).dump()
    signed = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": algorithm}],
        "encap_content_info": {
            "content_type": LDS_SECURITY_OBJECT,
            "content": core.ParsableOctetString(content),
        },
        "certificates": [asn1_x509.Certificate.load(ds.der)],
        "signer_infos": [signer_info(content, ds, algorithm, signature_algorithm, bend_attributes)],
    }
    bend(signed)
    info = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})
    return der.tlv(0x77, info.dump())


def signer_info(
    content: bytes,
    ds: Identity,
    algorithm: str = "sha256",
    signature_algorithm: Mapping[str, Any] | None = None,
    bend_attributes: Callable[[list[dict[str, Any]]], None] = lambda attributes: None,
) -> dict[str, Any]:
    certificate = asn1_x509.Certificate.load(ds.der)
    attributes: list[dict[str, Any]] = [
        {"type": "content_type", "values": [LDS_SECURITY_OBJECT]},
        {"type": "message_digest", "values": [hashlib.new(algorithm, content).digest()]},
        {"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(NOW)})]},
    ]
    bend_attributes(attributes)
    encoded = cms.CMSAttributes(attributes)
    rsa_key = isinstance(ds.key, rsa.RSAPrivateKey)
    named = signature_algorithm or {"algorithm": f"{algorithm}_{'rsa' if rsa_key else 'ecdsa'}"}
    return {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": {
                    "issuer": certificate.issuer,
                    "serial_number": certificate.serial_number,
                }
            }
        ),
        "digest_algorithm": {"algorithm": algorithm},
        "signed_attrs": encoded,
        "signature_algorithm": named,
        "signature": _sign(ds.key, encoded.dump(), algorithm, named),
    }


def _sign(key: Key, data: bytes, algorithm: str, named: Mapping[str, Any]) -> bytes:
    digest = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
    chosen = digest[algorithm]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(chosen))
    pss = named["algorithm"] == "rsassa_pss"
    pad = padding.PSS(padding.MGF1(chosen), chosen.digest_size) if pss else padding.PKCS1v15()
    return key.sign(data, pad, chosen)


def told_from_torn(sign: Callable[[], bytes]) -> bytes:
    """A signature that does not end as memory that was never written does."""
    while (signed := sign()).strip(b"\0\xff") != signed:
        continue
    return signed


@dataclass
class TestSigner:
    """`firmware.issue.ports.DocumentSigner`: a repeat of an attempt gets the same bytes."""

    __test__ = False
    requests: list[Any] = field(default_factory=list)
    granted: dict[tuple[str, int], bytes] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)

    def sign(self, request: Any) -> bytes:
        self.requests.append(request)
        if self.fails:
            raise self.fails.pop(0)
        key = (request.record_id, request.attempt)
        if key not in self.granted:
            self.granted[key] = told_from_torn(lambda: ef_sod(request.data_group_hashes))
        return self.granted[key]
