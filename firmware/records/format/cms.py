"""Reading the detached CMS signature over the manifest (RFC 5652), by the box's certificate.

`firmware.records.format.signing` makes it.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from asn1crypto import cms as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from firmware.records.format.errors import SignatureRefused
from firmware.records.format.signing import common_name

MAX_CMS_BYTES = 64 << 10


def verify(signature: bytes, content: bytes, authority: x509.Certificate, at: datetime) -> str:
    """Check `signature` over `content`, and the signer's certificate under `authority` at moment `at`.

    Return the certificate's CN (the box). Raises SignatureRefused.
    """
    if len(signature) > MAX_CMS_BYTES:
        raise SignatureRefused(f"manifest.p7s is longer than {MAX_CMS_BYTES} bytes")
    try:
        certificate, attributes, value = _read(signature, content)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as exc:
        # asn1crypto parses lazily and raises any of these on hostile bytes
        raise SignatureRefused("manifest.p7s is not a CMS signature of the kind a box makes") from exc
    check_certificate(certificate, authority, at)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureRefused("the box certificate holds no elliptic-curve key")
    try:
        key.verify(value, attributes, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as exc:
        raise SignatureRefused("the CMS signature does not hold") from exc
    return common_name(certificate)


def check_certificate(certificate: x509.Certificate, authority: x509.Certificate, at: datetime) -> None:
    """Raise SignatureRefused unless `authority` issued `certificate` directly and it is valid at `at`."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as exc:
        raise SignatureRefused("the box certificate is not from this box authority") from exc
    for one, name in ((certificate, "box certificate"), (authority, "box authority")):
        if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
            raise SignatureRefused(f"the {name} is not valid at {at.isoformat()}")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as exc:
        raise SignatureRefused("the box certificate has no key usage") from exc
    if not usage.digital_signature:
        raise SignatureRefused("the box certificate may not sign (key usage)")
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.EMAIL_PROTECTION not in uses:
        raise SignatureRefused("a certificate for TLS alone signs nothing in its box's name")


def _read(signature: bytes, content: bytes) -> tuple[x509.Certificate, bytes, bytes]:
    """The one signer's certificate, the DER of its signed attributes, and its signature value."""
    info: Any = asn1.ContentInfo.load(signature, strict=True)
    _need(info["content_type"].native == "signed_data", "signed data")
    signed = info["content"]
    _need(signed["encap_content_info"]["content_type"].native == "data", "content type")
    _need(signed["encap_content_info"]["content"].native is None, "detached")
    _need(len(signed["signer_infos"]) == 1 and len(signed["certificates"]) == 1, "one signer")
    signer, certificate = signed["signer_infos"][0], signed["certificates"][0].chosen
    _need(signer["digest_algorithm"]["algorithm"].native == "sha256", "SHA-256")
    _need(signer["signature_algorithm"]["algorithm"].native in ("sha256_ecdsa", "ecdsa"), "ECDSA")
    sid = signer["sid"]
    _need(sid.name == "issuer_and_serial_number", "signer identifier")
    _need(sid.chosen["serial_number"].native == certificate.serial_number, "serial number")
    _need(sid.chosen["issuer"].dump() == certificate.issuer.dump(), "issuer")
    attributes = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
    _need(len(attributes) == len(signer["signed_attrs"]), "attributes once each")
    _need([v.native for v in attributes["content_type"]] == ["data"], "content type attribute")
    _need(
        [v.native for v in attributes["message_digest"]] == [sha256(content).digest()],
        "message digest",
    )
    # RFC 5652, 5.4: what is signed is the attributes as a SET OF (31), not as [0] (A0)
    der = b"\x31" + signer["signed_attrs"].dump()[1:]
    return x509.load_der_x509_certificate(certificate.dump()), der, signer["signature"].native


def _need(true: bool, what: str) -> None:
    if not true:
        raise ValueError(what)
