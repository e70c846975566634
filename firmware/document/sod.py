"""EF.SOD: the signed list of data-group hashes (Doc 9303-10, 4.6.2; RFC 5652). Parsing only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core

from firmware.document import der
from firmware.document.errors import Check, DocumentError, NotAuthenticError
from firmware.document.lds import DG_TAGS, Tag

LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
MAX_CERTIFICATES = 4
_SIGNER_VERSIONS = {"issuer_and_serial_number": "v1", "subject_key_identifier": "v3"}


class _DataGroupHash(core.Sequence):  # type: ignore[misc]
    _fields = [("number", core.Integer), ("value", core.OctetString)]  # noqa: RUF012


class _DataGroupHashes(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _DataGroupHash


class _LdsVersionInfo(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("lds_version", core.PrintableString),
        ("unicode_version", core.PrintableString),
    ]


class LdsSecurityObject(core.Sequence):  # type: ignore[misc]
    """LDSSecurityObject, versions 0 and 1 (Doc 9303-10, 4.6.2.3)."""

    _fields = [  # noqa: RUF012 (asn1crypto's form)
        ("version", core.Integer),
        ("hash_algorithm", algos.DigestAlgorithm),
        ("hashes", _DataGroupHashes),
        ("version_info", _LdsVersionInfo, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class Sod:
    """What an EF.SOD says; nothing of it is verified yet. Algorithms stand as asn1crypto names them."""

    hash_algorithm: str
    hashes: Mapping[int, bytes]
    versions: tuple[str, str] | None  # LDS and Unicode, where the object is of version 1 and says them
    content: bytes  # the encoded LDSSecurityObject
    signed_attributes: bytes  # as the DER SET that is signed (RFC 5652, 5.4)
    content_type: str  # as the signed attribute has it
    message_digest: bytes
    signed_at: datetime | None
    digest_algorithm: str
    signature_algorithm: bytes  # AlgorithmIdentifier, DER
    signature: bytes
    signer_id: bytes  # SignerIdentifier, DER
    certificates: tuple[bytes, ...]  # X.509, DER


def parse(content: bytes) -> Sod:
    """Parse EF.SOD: strict DER, one signer, the LDS content type on both places.

    Raises NotAuthenticError(check) for anything that is not so; the signature is not looked at.
    """
    try:
        cms_bytes = der.one(content, Tag.SOD).value
        der.check_strict(cms_bytes)
        return _parsed(_signed_data(cms_bytes))
    except NotAuthenticError:
        raise
    except (DocumentError, ValueError, TypeError, KeyError, OverflowError) as exc:
        raise NotAuthenticError(Check.SOD, str(exc)) from exc


def _signed_data(cms_bytes: bytes) -> Any:
    info = cms.ContentInfo.load(cms_bytes, strict=True)
    if info["content_type"].native != "signed_data":
        raise NotAuthenticError(Check.CONTENT_TYPE, "not CMS SignedData")
    return info["content"]


def _parsed(signed: Any) -> Sod:
    if len(signed["signer_infos"]) != 1:
        raise NotAuthenticError(Check.ONE_SIGNER, f"{len(signed['signer_infos'])} signers")
    _check_frame(signed)
    encapsulated = signed["encap_content_info"]
    if encapsulated["content_type"].dotted != LDS_SECURITY_OBJECT:
        raise NotAuthenticError(Check.CONTENT_TYPE, encapsulated["content_type"].dotted)
    if not isinstance(encapsulated["content"], core.ParsableOctetString):
        raise NotAuthenticError(Check.SOD, "the content is no octet string")
    content = bytes(encapsulated["content"])
    signer = signed["signer_infos"][0]
    attributes = _attributes(signer)
    if attributes["content_type"].dotted != LDS_SECURITY_OBJECT:
        raise NotAuthenticError(Check.CONTENT_TYPE, attributes["content_type"].dotted)
    to_sign = b"\x31" + signer["signed_attrs"].dump()[1:]
    der.check_strict(to_sign)
    algorithm, hashes, versions = _listed(content)
    return Sod(
        hash_algorithm=algorithm,
        hashes=hashes,
        versions=versions,
        content=content,
        signed_attributes=to_sign,
        content_type=LDS_SECURITY_OBJECT,
        message_digest=attributes["message_digest"].native,
        signed_at=attributes["signing_time"].native if "signing_time" in attributes else None,
        digest_algorithm=_hash_name(signer["digest_algorithm"]),
        signature_algorithm=signer["signature_algorithm"].dump(),
        signature=signer["signature"].native,
        signer_id=signer["sid"].dump(),
        certificates=_certificates(signed),
    )


def _check_frame(signed: Any) -> None:
    """What no signature covers must still say what the signed part says (RFC 5652, 5.1 and 5.3)."""
    signer = signed["signer_infos"][0]
    expected = "v3", _SIGNER_VERSIONS[signer["sid"].name]
    if (signed["version"].native, signer["version"].native) != expected:
        raise NotAuthenticError(Check.SOD, "versions that do not exist")
    named = [_hash_name(algorithm) for algorithm in signed["digest_algorithms"]]
    if _hash_name(signer["digest_algorithm"]) not in named:
        raise NotAuthenticError(Check.ALGORITHM, "a digest algorithm that was not announced")


def _hash_name(algorithm: Any) -> str:
    """The name of a DigestAlgorithm whose parameters are absent or NULL (RFC 5754, 2)."""
    if algorithm["parameters"].dump() not in (b"", b"\x05\x00"):
        raise NotAuthenticError(Check.ALGORITHM, "a hash with parameters")
    return str(algorithm["algorithm"].native)


def _attributes(signer: Any) -> dict[str, Any]:
    """The signed attributes by name, each once and with one value (RFC 5652, 5.3 and 11)."""
    found: dict[str, Any] = {}
    if isinstance(signer["signed_attrs"], core.Void):
        raise NotAuthenticError(Check.MESSAGE_DIGEST, "no signed attributes")
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1:
            raise NotAuthenticError(Check.SOD, f"signed attribute {name} not exactly once")
        found[name] = attribute["values"][0]
    for name in ("content_type", "message_digest"):
        if name not in found:
            raise NotAuthenticError(Check.MESSAGE_DIGEST, f"no signed attribute {name}")
    return found


def _listed(content: bytes) -> tuple[str, dict[int, bytes], tuple[str, str] | None]:
    """Hash algorithm, hashes by data group, and versions of an LDSSecurityObject."""
    der.check_strict(content)
    listed = LdsSecurityObject.load(content, strict=True)
    if listed["version"].native not in (0, 1):
        raise NotAuthenticError(Check.SOD, "an LDS security object of another version")
    hashes: dict[int, bytes] = {}
    for entry in listed["hashes"]:
        number = entry["number"].native
        if number not in DG_TAGS or number in hashes:
            raise NotAuthenticError(Check.SOD, f"data group {number} unknown or twice")
        hashes[number] = entry["value"].native
    return _hash_name(listed["hash_algorithm"]), hashes, _versions(listed)


def _versions(listed: Any) -> tuple[str, str] | None:
    """What version 1 adds (Doc 9303-10, 4.6.2.3: with version information the version is 1)."""
    info = listed["version_info"]
    if isinstance(info, core.Void):
        return None
    if listed["version"].native != 1:
        raise NotAuthenticError(Check.SOD, "version information in an LDS security object of version 0")
    return str(info["lds_version"].native), str(info["unicode_version"].native)


def _certificates(signed: Any) -> tuple[bytes, ...]:
    if isinstance(signed["certificates"], core.Void):
        return ()
    if len(signed["certificates"]) > MAX_CERTIFICATES:
        raise NotAuthenticError(Check.DS, "too many certificates")
    if any(choice.name != "certificate" for choice in signed["certificates"]):
        raise NotAuthenticError(Check.DS, "a certificate that is not X.509")
    return tuple(choice.chosen.dump() for choice in signed["certificates"])
