"""Every signature that tools outside this house check: EF.SOD and the record's detached CMS.

The key behind a `Signer` may be in a file, in a PKCS#11 token or in a TPM: `ExternalKey` is an ordinary
elliptic-curve key to every library here, and only its `sign` leaves the process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Self

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

LDS_1_7, LDS_1_8 = "0107", "0108"  # as EF.COM and LDSVersionInfo write them (Doc 9303-10, 4.6.1)
UNICODE = "040000"
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
EF_SOD_TAG = 0x77
HASH_BYTES = 32
DATA_GROUPS = range(1, 17)
OPTIONS = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]

_DIGESTS: MappingProxyType[str, tuple[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        "secp256r1": ("sha256", hashes.SHA256()),
        "brainpoolP256r1": ("sha256", hashes.SHA256()),
        "secp384r1": ("sha384", hashes.SHA384()),
        "brainpoolP384r1": ("sha384", hashes.SHA384()),
        "secp521r1": ("sha512", hashes.SHA512()),
        "brainpoolP512r1": ("sha512", hashes.SHA512()),
    }
)
"""The hash that goes with a curve (Doc 9303-12, 4.4.3: of the same strength)."""
_LAST_UTC_TIME = 2049  # RFC 5652, 11.3: from 2050 on GeneralizedTime


class ExternalKeyFailed(Exception):
    """The key outside this process answered with what is no signature of its own."""


class ExternalKey(ec.EllipticCurvePrivateKey):
    """A private key that stays where it is: `sign_digest` gets a digest and returns r ‖ s.

    r and s are big-endian of one length (PKCS#11 2.40, 2.3.1). Whatever `sign_digest` raises passes
    through. Every signature is checked under the public key before it is given away.
    """

    def __init__(self, public_key: ec.EllipticCurvePublicKey, sign_digest: Callable[[bytes], bytes]) -> None:
        self._public_key = public_key
        self._sign_digest = sign_digest

    def sign(
        self, data: bytes | bytearray | memoryview, signature_algorithm: ec.EllipticCurveSignatureAlgorithm
    ) -> bytes:
        """DER of the ECDSA signature over `data`. Raises ExternalKeyFailed."""
        digest, algorithm = _digest(data, signature_algorithm.algorithm)
        raw = self._sign_digest(digest)
        half = len(raw) // 2
        if len(raw) != 2 * ((self.key_size + 7) // 8):
            raise ExternalKeyFailed(f"{len(raw)} bytes are no signature under {self.curve.name}")
        r, s = (int.from_bytes(part, "big") for part in (raw[:half], raw[half:]))
        signature = utils.encode_dss_signature(r, s)
        try:
            self._public_key.verify(signature, digest, ec.ECDSA(utils.Prehashed(algorithm)))
        except InvalidSignature as exc:
            raise ExternalKeyFailed("the signature is of another key than the certificate's") from exc
        return signature

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def exchange(self, *_: Any, **__: Any) -> NoReturn:
        raise UnsupportedAlgorithm("a key outside the process only signs")

    def private_numbers(self) -> NoReturn:
        raise UnsupportedAlgorithm("a key outside the process stays there")

    def private_bytes(self, *_: Any, **__: Any) -> NoReturn:
        raise UnsupportedAlgorithm("a key outside the process stays there")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class Signer:
    """An elliptic-curve key (in a file, or an `ExternalKey`) and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def box(self) -> str:
        """The certificate's common name: a box's id."""
        return common_name(self.certificate)


def common_name(certificate: x509.Certificate) -> str:
    """The subject's one CN, or "" when there is none or more than one."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def sign_detached(content: bytes, signer: Signer) -> bytes:
    """DER of SignedData (RFC 5652) without the content, SHA-256 with ECDSA, certificate included.

    `openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -CAfile box-ca.crt
    -purpose any` checks it.
    """
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(signer.certificate, signer.key, hashes.SHA256())
    return builder.sign(Encoding.DER, OPTIONS)


# --- EF.SOD ---------------------------------------------------------------------------------------


class _DataGroupHash(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("number", core.Integer), ("value", core.OctetString)]


class _DataGroupHashes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _DataGroupHash


class _LdsVersionInfo(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("lds_version", core.PrintableString), ("unicode_version", core.PrintableString)]


class _LdsSecurityObject(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [
        ("version", core.Integer),
        ("hash_algorithm", algos.DigestAlgorithm),
        ("hashes", _DataGroupHashes),
        ("version_info", _LdsVersionInfo, {"optional": True}),
    ]


def lds_security_object(data_groups: Mapping[int, bytes], lds_version: str = LDS_1_7) -> bytes:
    """DER of the LDSSecurityObject over SHA-256 by data group number (Doc 9303-10, 4.6.2.3).

    Version 0 for LDS 1.7; version 1 with version information for LDS 1.8. Raises ValueError for a
    number outside 1..16, a hash of another length, none at all, or another LDS version.
    """
    if not data_groups or any(number not in DATA_GROUPS for number in data_groups):
        raise ValueError("data group numbers run from 1 to 16 and there is at least one")
    if any(len(value) != HASH_BYTES for value in data_groups.values()):
        raise ValueError(f"a SHA-256 hash has {HASH_BYTES} bytes")
    if lds_version not in (LDS_1_7, LDS_1_8):
        raise ValueError(f"LDS {lds_version} is not written here")
    content: dict[str, Any] = {
        "version": 0,
        "hash_algorithm": {"algorithm": "sha256"},
        "hashes": [{"number": number, "value": data_groups[number]} for number in sorted(data_groups)],
    }
    if lds_version == LDS_1_8:
        content["version"] = 1
        content["version_info"] = {"lds_version": lds_version, "unicode_version": UNICODE}
    return bytes(_LdsSecurityObject(content).dump())


def ef_sod(
    data_groups: Mapping[int, bytes], signer: Signer, at: datetime, lds_version: str = LDS_1_7
) -> bytes:
    """EF.SOD (Doc 9303-10, 4.6.2) over SHA-256 by data group number, signed at `at` (aware).

    CMS SignedData with signed attributes and the document signer's certificate, in the tag 77. The
    signature's hash follows the signer's curve. Raises ValueError as `lds_security_object` and for a
    curve without one; and whatever the key raises.
    """
    content = lds_security_object(data_groups, lds_version)
    if signer.key.curve.name not in _DIGESTS:
        raise ValueError(f"no documents are signed under {signer.key.curve.name}")
    name, algorithm = _DIGESTS[signer.key.curve.name]
    certificate = asn1_x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER))
    attributes = _signed_attributes(content, name, at)
    signed = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": name}],
        "encap_content_info": {
            "content_type": LDS_SECURITY_OBJECT,
            "content": core.ParsableOctetString(content),
        },
        "certificates": [certificate],
        "signer_infos": [
            {
                "version": "v1",
                "sid": _issuer_and_serial(certificate),
                "digest_algorithm": {"algorithm": name},
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": f"{name}_ecdsa"},
                # RFC 5652, 5.4: what is signed is the SET OF itself, not its [0] IMPLICIT form
                "signature": signer.key.sign(attributes.dump(), ec.ECDSA(algorithm)),
            }
        ],
    }
    info = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})
    wrapped = bytes(info.dump())
    return bytes([EF_SOD_TAG]) + _length(len(wrapped)) + wrapped


def _signed_attributes(content: bytes, digest_name: str, at: datetime) -> Any:
    moment = at.astimezone(UTC).replace(microsecond=0)
    early = moment.year <= _LAST_UTC_TIME
    time = (
        cms.Time("utc_time", core.UTCTime(moment))
        if early
        else cms.Time("generalized_time", core.GeneralizedTime(moment))
    )
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": [LDS_SECURITY_OBJECT]},
            {"type": "message_digest", "values": [hashlib.new(digest_name, content).digest()]},
            {"type": "signing_time", "values": [time]},
        ]
    )


def _issuer_and_serial(certificate: Any) -> Any:
    named = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    return cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber(named))


def _digest(
    data: bytes | bytearray | memoryview, algorithm: utils.Prehashed | hashes.HashAlgorithm
) -> tuple[bytes, hashes.HashAlgorithm]:
    if isinstance(algorithm, utils.Prehashed):
        raise UnsupportedAlgorithm("this key hashes what it signs")
    state = hashes.Hash(algorithm)
    state.update(data)
    return state.finalize(), algorithm


def _length(count: int) -> bytes:
    """The shortest length octets for `count` bytes (ITU-T X.690, 10.1)."""
    if count < 0x80:
        return bytes([count])
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
