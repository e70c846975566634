"""Passive authentication: is what the chip holds what a trusted state signed (Doc 9303-11, 5.1)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.document import lds, security, signatures
from firmware.document.errors import Check, DocumentError, KeyFormatError, NotAuthenticError
from firmware.document.keys import load_public
from firmware.document.lds import DG_NUMBERS, Fid
from firmware.document.sod import Sod

_KNOWN_CRITICAL = frozenset({x509.KeyUsage.oid, x509.BasicConstraints.oid, x509.ExtendedKeyUsage.oid})

# what `cryptography` parses, and refuses, only when asked for
_READ_LATE = ("issuer", "subject", "not_valid_before_utc", "not_valid_after_utc", "extensions")


@dataclass(frozen=True, slots=True)
class PaReport:
    """Who signed the chip, and the checks that held, in the order they were made.

    `unread` are data groups that are signed and were not read, as the caller said beforehand.
    """

    csca: str
    document_signer: str
    ds_serial: int
    hash_algorithm: str
    data_groups: tuple[int, ...]
    signed_at: datetime | None
    checks: tuple[str, ...]
    unread: tuple[int, ...] = ()


def passive_authentication(
    sod: Sod,
    files: Mapping[int, bytes],
    trust: Iterable[x509.Certificate],
    at: datetime,
    unread: Collection[int] = (),
) -> PaReport:
    """Verify `files` (by FID, all that were read but EF.SOD) against `sod` up to a CSCA of `trust`.

    `at` (aware) is the moment for which certificates must be valid. Every data group listed must be
    there, but for those of `unread` (FIDs that nobody may read without more rights), and every one that
    is there must be listed. Raises NotAuthenticError(check).
    """
    ds, csca = verify_signature(sod, trust, at)
    check_hashes(sod, files, unread)
    made = [check for check in Check if check not in ONLY_WHERE_THERE]
    made += [check for check, of in ONLY_WHERE_THERE.items() if of(sod, files, unread)]
    return PaReport(
        csca=csca.subject.rfc4514_string(),
        document_signer=ds.subject.rfc4514_string(),
        ds_serial=ds.serial_number,
        hash_algorithm=sod.hash_algorithm,
        data_groups=tuple(sorted(sod.hashes)),
        signed_at=sod.signed_at,
        checks=tuple(map(str, made)),
        unread=tuple(sorted(sod.hashes.keys() - set(map(lds.dg_number, files)))),
    )


def verify_signature(
    sod: Sod, trust: Iterable[x509.Certificate], at: datetime
) -> tuple[x509.Certificate, x509.Certificate]:
    """The DS and the CSCA behind a SOD whose signature holds. Raises NotAuthenticError(check)."""
    ds = document_signer(sod)
    csca = csca_of(ds, trust)
    check_valid(ds, csca, at)
    check_content(sod)
    check_signature(sod, ds)
    return ds, csca


def load_certificate(encoded: bytes) -> x509.Certificate:
    """An X.509 certificate from DER. Raises NotAuthenticError(DS)."""
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        for name in _READ_LATE:
            getattr(certificate, name)
        public_key(certificate)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise NotAuthenticError(Check.DS, str(exc)) from exc
    except (x509.DuplicateExtension, x509.InvalidVersion) as exc:
        raise NotAuthenticError(Check.DS, str(exc)) from exc
    return certificate


def public_key(certificate: x509.Certificate) -> object:
    """A certificate's key, also on a curve that is written out. Raises NotAuthenticError(ALGORITHM)."""
    try:
        return certificate.public_key()
    except UnsupportedAlgorithm:
        parsed = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    try:
        return load_public(parsed["tbs_certificate"]["subject_public_key_info"].dump())
    except KeyFormatError as exc:
        raise NotAuthenticError(Check.ALGORITHM, str(exc)) from exc


def document_signer(sod: Sod) -> x509.Certificate:
    """The one certificate that the signer's identifier names, fit to sign documents.

    Raises NotAuthenticError(DS, KEY_USAGE): its signature and its issuer are not looked at.
    """
    named = [load_certificate(each) for each in sod.certificates if _is_signer(sod, each)]
    if len(named) != 1:
        raise NotAuthenticError(Check.DS, f"{len(named)} certificates of the signer")
    ds = named[0]
    _check_extensions(ds, Check.DS)
    if _is_authority(ds):
        raise NotAuthenticError(Check.KEY_USAGE, "the signer is an authority")
    if not _usage(ds).digital_signature:
        raise NotAuthenticError(Check.KEY_USAGE, "no digitalSignature")
    return ds


def _is_signer(sod: Sod, encoded: bytes) -> bool:
    try:
        certificate = asn1_x509.Certificate.load(encoded)
        sid = cms.SignerIdentifier.load(sod.signer_id)
        if sid.name == "subject_key_identifier":
            return bool(sid.native == certificate.key_identifier)
        named = sid.chosen
        issuer, serial = named["issuer"].dump(), named["serial_number"].native
        return bool(certificate.issuer.dump() == issuer and certificate.serial_number == serial)
    except (ValueError, TypeError, KeyError) as exc:
        raise NotAuthenticError(Check.DS, str(exc)) from exc


def csca_of(ds: x509.Certificate, trust: Iterable[x509.Certificate]) -> x509.Certificate:
    """The trusted authority that signed this certificate: its direct issuer (Doc 9303-12, 3).

    Raises NotAuthenticError(CHAIN, ALGORITHM).
    """
    held: NotAuthenticError | None = None
    for csca in trust:
        if csca.subject != ds.issuer:
            continue
        try:
            _check_issued(ds, csca)
        except NotAuthenticError as exc:
            held = exc
        else:
            return csca
    raise held or NotAuthenticError(Check.CHAIN, f"no CSCA {ds.issuer.rfc4514_string()}")


def _check_issued(ds: x509.Certificate, csca: x509.Certificate) -> None:
    _check_extensions(csca, Check.CHAIN)
    if not _is_authority(csca) or not _usage(csca).key_cert_sign:
        raise NotAuthenticError(Check.CHAIN, "the issuer is no authority")
    parsed = asn1_x509.Certificate.load(ds.public_bytes(Encoding.DER))
    algorithm = parsed["signature_algorithm"]
    if algorithm.dump() != parsed["tbs_certificate"]["signature"].dump():
        raise NotAuthenticError(Check.CHAIN, "two signature algorithms")
    try:
        signatures.verify(
            public_key(csca),
            algorithm.dump(),
            ds.signature,
            ds.tbs_certificate_bytes,
        )
    except NotAuthenticError as exc:
        check = Check.CHAIN if exc.check is Check.SIGNATURE else exc.check
        raise NotAuthenticError(check, f"DS certificate: {exc}") from exc


def check_valid(ds: x509.Certificate, csca: x509.Certificate, at: datetime) -> None:
    """Raises NotAuthenticError(VALIDITY) unless both are valid at that moment."""
    for name, certificate in (("DS", ds), ("CSCA", csca)):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise NotAuthenticError(Check.VALIDITY, f"{name} not valid at {at:%Y-%m-%d}")


def check_content(sod: Sod) -> None:
    """Raises NotAuthenticError(MESSAGE_DIGEST) unless the signed attributes speak of this content."""
    found = signatures.digest(sod.digest_algorithm, sod.content)
    if not hmac.compare_digest(found, sod.message_digest):
        raise NotAuthenticError(Check.MESSAGE_DIGEST, "is of another content")


def check_signature(sod: Sod, ds: x509.Certificate) -> None:
    """Raises NotAuthenticError(SIGNATURE, ALGORITHM) unless this certificate signed the attributes."""
    signatures.verify(
        public_key(ds), sod.signature_algorithm, sod.signature, sod.signed_attributes, sod.digest_algorithm
    )


def check_hashes(sod: Sod, files: Mapping[int, bytes], unread: Collection[int] = ()) -> None:
    """Raises NotAuthenticError(HASHES) unless the data groups are those that were signed.

    All of them, but for the FIDs of `unread`; one of these that was read is compared like any other.
    """
    numbered = ((lds.dg_number(fid), content) for fid, content in files.items())
    there = {n: content for n, content in numbered if n is not None}
    may_lack = set(map(lds.dg_number, unread))
    odd = sorted((there.keys() - sod.hashes.keys()) | (sod.hashes.keys() - there.keys() - may_lack))
    if odd:
        raise NotAuthenticError(Check.HASHES, f"not both read and signed: {odd}")
    for number, content in there.items():
        found = signatures.digest(sod.hash_algorithm, content)
        if not hmac.compare_digest(found, sod.hashes[number]):
            raise NotAuthenticError(Check.HASHES, f"DG{number}")


def check_com(sod: Sod, files: Mapping[int, bytes], _: Collection[int] = ()) -> bool:
    """EF.COM is not signed: it may not hide or invent a data group, nor another LDS (Doc 9303-10, 4.6.1).

    Whether there is one among `files`. Raises NotAuthenticError(COM).
    """
    if Fid.COM not in files:
        return False
    try:
        com = lds.decode_com(files[Fid.COM])
    except DocumentError as exc:
        raise NotAuthenticError(Check.COM, str(exc)) from exc
    if {DG_NUMBERS[tag] for tag in com.tags} != sod.hashes.keys():
        raise NotAuthenticError(Check.COM, "lists other data groups than were signed")
    if sod.versions not in (None, (com.lds_version, com.unicode_version)):
        raise NotAuthenticError(Check.COM, "is of another LDS than was signed")
    return True


def check_card_access(_: Sod, files: Mapping[int, bytes], unread: Collection[int] = ()) -> bool:
    """EF.CardAccess is not signed, its copy in DG14 is (Doc 9303-11, 9.2.11).

    Whether there was anything to compare: EF.CardAccess among `files`, or a DG14 that knows PACE; an
    EF.CardAccess of `unread` is not missed. Raises NotAuthenticError(CARD_ACCESS).
    """
    outside, inside = files.get(Fid.CARD_ACCESS), files.get(Fid.DG14)
    if outside is None and (inside is None or Fid.CARD_ACCESS in unread):
        return False
    try:
        security.check_copy(outside, inside)
    except DocumentError as exc:
        raise NotAuthenticError(Check.CARD_ACCESS, str(exc)) from exc
    return outside is not None


def check_chip_key(_: Sod, files: Mapping[int, bytes], __: Collection[int] = ()) -> bool:
    """A chip that offers Chip Authentication has a key for it in DG14 that can be used.

    Whether it offers any. Raises NotAuthenticError(CHIP_KEY).
    """
    if Fid.DG14 not in files:
        return False
    try:
        return bool(security.chip_keys(files[Fid.DG14]))
    except DocumentError as exc:
        raise NotAuthenticError(Check.CHIP_KEY, str(exc)) from exc


Made = Callable[[Sod, Mapping[int, bytes], Collection[int]], bool]
ONLY_WHERE_THERE: Mapping[Check, Made] = MappingProxyType(
    {Check.COM: check_com, Check.CARD_ACCESS: check_card_access, Check.CHIP_KEY: check_chip_key}
)
"""Checks of files that not every chip has: each says whether there was anything to check."""


def _check_extensions(certificate: x509.Certificate, check: Check) -> None:
    odd = [e.oid for e in certificate.extensions if e.critical and e.oid not in _KNOWN_CRITICAL]
    if odd:
        raise NotAuthenticError(check, f"critical extension {odd[0].dotted_string}")


def _usage(certificate: x509.Certificate) -> x509.KeyUsage:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as exc:
        raise NotAuthenticError(Check.KEY_USAGE, "no key usage") from exc


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
