"""EF.SOD: the document security object that makes a card's data genuine (ICAO Doc 9303-10, 4.6.2).

An LDSSecurityObject v0 over the hashes of the data groups, in a CMS SignedData (RFC 5652) with
signed attributes and the document signer's certificate inside, in the tag 77 of EF.SOD.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from asn1crypto import algos, cms, core, x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from centre.pki import Credential

ID_ICAO_LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
EF_SOD_TAG = 0x77
HASH_BYTES = 32
DATA_GROUPS = range(1, 17)


class DataGroupHash(core.Sequence):  # type: ignore[misc]
    """DataGroupHash (Doc 9303-10, 4.6.2.3)."""

    _fields: ClassVar = [
        ("data_group_number", core.Integer),
        ("data_group_hash_value", core.OctetString),
    ]


class DataGroupHashes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = DataGroupHash


class LdsSecurityObject(core.Sequence):  # type: ignore[misc]
    """LDSSecurityObject, version v0."""

    _fields: ClassVar = [
        ("version", core.Integer),
        ("hash_algorithm", algos.DigestAlgorithm),
        ("data_group_hash_values", DataGroupHashes),
    ]


def lds_security_object(hashes: Mapping[int, bytes]) -> bytes:
    """DER of the LDSSecurityObject v0 over SHA-256 `hashes` by data group number, in their order.

    Raises ValueError on a number outside 1..16, a hash of another length, or none at all.
    """
    if not hashes or any(number not in DATA_GROUPS for number in hashes):
        raise ValueError("data group numbers run from 1 to 16 and there is at least one")
    if any(len(value) != HASH_BYTES for value in hashes.values()):
        raise ValueError(f"a SHA-256 hash has {HASH_BYTES} bytes")
    values = [
        {"data_group_number": number, "data_group_hash_value": hashes[number]} for number in sorted(hashes)
    ]
    sha256 = {"algorithm": "sha256"}
    content = {"version": 0, "hash_algorithm": sha256, "data_group_hash_values": values}
    return bytes(LdsSecurityObject(content).dump())


def sign_document(hashes: Mapping[int, bytes], signer: Credential, at: datetime) -> bytes:
    """EF.SOD over the data groups' SHA-256 `hashes`, signed with ECDSA P-256 at the time `at`."""
    content = lds_security_object(hashes)
    certificate = x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER))
    attributes = _signed_attributes(content, at)
    # RFC 5652, 5.4: what is signed is the SET OF itself, not its [0] IMPLICIT form
    signature = signer.key.sign(attributes.dump(), ec.ECDSA(SHA256()))
    issuer = cms.IssuerAndSerialNumber(
        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    )
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", issuer),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": ID_ICAO_LDS_SECURITY_OBJECT,
                "content": core.ParsableOctetString(content),
            },
            "certificates": [certificate],
            "signer_infos": [info],
        }
    )
    wrapped = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return bytes([EF_SOD_TAG]) + _ber_length(len(wrapped)) + bytes(wrapped)


def _signed_attributes(content: bytes, at: datetime) -> cms.CMSAttributes:
    moment = core.UTCTime(at.astimezone(UTC).replace(microsecond=0))
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": [ID_ICAO_LDS_SECURITY_OBJECT]},
            {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
            {"type": "signing_time", "values": [cms.Time("utc_time", moment)]},
        ]
    )


def _ber_length(count: int) -> bytes:
    """The shortest length octets for `count` bytes (ITU-T X.690, 10.1)."""
    if count < 0x80:
        return bytes([count])
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
