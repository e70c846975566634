"""The development PKI: every key and certificate that one desk needs, made on the first run.

Each subject says `O=DEVELOPMENT (SIMULATED)`, so that a production box or centre refuses what these
keys sign. A production centre gets its keys from its own authorities and never calls `create`.

`<folder>/` holds `<name>.key.pem` (mode 0600) and `<name>.crt.pem` for each `Role`, and the two age
identities (mode 0600) with their public recipients.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from centre.errors import CentreSetupError
from centre.files import make_folder, write_new

DEVELOPMENT = "DEVELOPMENT (SIMULATED)"
BOX_ID = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,30}[A-Z0-9])?")
AUTHORITY_DAYS = 3650
LEAF_DAYS = 365


class Role(StrEnum):
    """The certificates of the centre, by the name of their files."""

    CSCA = "csca"  # country signing CA (ICAO Doc 9303-12)
    DOCUMENT_SIGNER = "ds"
    BOX_CA = "box-ca"
    TLS_CA = "tls-ca"
    TLS_SERVER = "tls-server"
    RECEIPT = "receipt"
    EXTRACT = "extract"
    ORDERS = "orders"  # signs assignments and leases


class AgeRole(StrEnum):
    """The age key pairs: `<name>-identity.txt` (secret) and `<name>.txt` (public)."""

    CENTRE = "recipients"
    RECOVERY = "recovery"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Credential:
    """A P-256 private key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """PKCS #8, unencrypted: the file's mode guards it."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Pki:
    """The keys under one folder, read when asked for."""

    folder: Path

    def key_path(self, role: Role) -> Path:
        return self.folder / f"{role}.key.pem"

    def certificate_path(self, role: Role) -> Path:
        return self.folder / f"{role}.crt.pem"

    def certificate_pem(self, role: Role) -> bytes:
        return _read(self.certificate_path(role))

    def certificate(self, role: Role) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_pem(role))

    def credential(self, role: Role) -> Credential:
        """Raises CentreSetupError when a file is missing or is no P-256 key."""
        key = load_pem_private_key(_read(self.key_path(role)), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CentreSetupError(f"{self.key_path(role)} holds no elliptic-curve key")
        return Credential(key, self.certificate(role))

    def age_identity(self, role: AgeRole) -> str:
        """The secret `AGE-SECRET-KEY-1…` line."""
        return _read(self.folder / f"{role}-identity.txt").decode().strip()

    def age_recipient(self, role: AgeRole) -> str:
        """The public `age1…` line."""
        return _read(self.folder / f"{role}.txt").decode().strip()

    @property
    def is_development(self) -> bool:
        return is_development(self.certificate(Role.BOX_CA))


def is_development(certificate: x509.Certificate) -> bool:
    """True when the subject's organisation is the development mark."""
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return any(name.value == DEVELOPMENT for name in names)


def organisation_of(certificate: x509.Certificate) -> str:
    """The subject's first organisation, or "": boxes bear the one of their authority."""
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""


def common_name(certificate: x509.Certificate) -> str:
    """The subject's one CN, or "" when there is none or more than one."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def create(folder: Path, now: datetime | None = None) -> Pki:
    """Make a whole new PKI under `folder`. Raises CentreSetupError if one is already there."""
    now = now or datetime.now(UTC)
    make_folder(folder, mode=0o700)
    pki = Pki(folder)
    csca = _authority(pki, Role.CSCA, "Development CSCA", now)
    tls = _authority(pki, Role.TLS_CA, "Development TLS CA", now)
    _authority(pki, Role.BOX_CA, "Development box CA", now)
    _signer(pki, Role.DOCUMENT_SIGNER, "Development document signer", csca, now)
    _signer(pki, Role.RECEIPT, "Development receipt signer", None, now)
    _signer(pki, Role.EXTRACT, "Development registry signer", None, now)
    _signer(pki, Role.ORDERS, "Development orders to boxes", None, now)
    _save(pki, Role.TLS_SERVER, _server(tls, now))
    for role in AgeRole:
        identity = pyrage.x25519.Identity.generate()
        write_new(folder / f"{role}-identity.txt", f"{identity}\n".encode(), mode=0o600)
        write_new(folder / f"{role}.txt", f"{identity.to_public()}\n".encode())
    return pki


IDENTITY_USES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION)
"""TLS client authentication, and CMS signatures of manifests."""
TLS_USES = (ExtendedKeyUsageOID.CLIENT_AUTH,)
"""A short-lived TLS key's: it signs nothing in its box's name."""


def issue_box(pki: Pki, box: str, now: datetime | None = None, days: int = LEAF_DAYS) -> Credential:
    """A key and certificate for `box`. Raises CentreSetupError as `certify_box`."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Credential(key, certify_box(pki, box, key.public_key(), now, days))


def certify_box(
    pki: Pki,
    box: str,
    key: ec.EllipticCurvePublicKey,
    now: datetime | None = None,
    days: int = LEAF_DAYS,
    uses: Sequence[x509.ObjectIdentifier] = IDENTITY_USES,
) -> x509.Certificate:
    """A certificate of the box CA for a key that `box` holds.

    Raises CentreSetupError unless `box` is 1 to 32 of A-Z, 0-9 and inner hyphens.
    """
    if not BOX_ID.fullmatch(box):
        raise CentreSetupError(f"{box!r} is no box id: use A-Z, 0-9 and hyphens, as in BOX-01")

    def extend(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        builder = builder.add_extension(_usage(), critical=True)
        return builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)

    authority = pki.credential(Role.BOX_CA)
    signed_by = authority.certificate.subject, authority.key
    organisation = organisation_of(authority.certificate)
    return _certificate(_name(box, organisation), key, *signed_by, now or datetime.now(UTC), days, extend)


Extend = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def _authority(pki: Pki, role: Role, name: str, now: datetime) -> Credential:
    def extend(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        return builder.add_extension(_usage(authority=True), critical=True)

    credential = _issue(_name(name), None, now, AUTHORITY_DAYS, extend)
    _save(pki, role, credential)
    return credential


def _signer(pki: Pki, role: Role, name: str, issuer: Credential | None, now: datetime) -> None:
    """digitalSignature only, no EKU (Doc 9303-12, 7.1.1): stock `openssl cms -verify` takes it."""
    days = LEAF_DAYS if issuer else AUTHORITY_DAYS
    credential = _issue(_name(name), issuer, now, days, lambda builder: builder.add_extension(_usage(), True))
    _save(pki, role, credential)


def _server(authority: Credential, now: datetime) -> Credential:
    def extend(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        addresses: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(IPv4Address("127.0.0.1")),
            x509.IPAddress(IPv6Address("::1")),
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return builder.add_extension(_usage(), critical=True).add_extension(server, critical=False)

    return _issue(_name("localhost"), authority, now, LEAF_DAYS, extend)


def _issue(
    subject: x509.Name, issuer: Credential | None, now: datetime, days: int, extend: Extend
) -> Credential:
    """A new key under `issuer`, or self-signed without one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, signer = (issuer.certificate.subject, issuer.key) if issuer else (subject, key)
    return Credential(key, _certificate(subject, key.public_key(), name, signer, now, days, extend))


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
    extend: Extend,
) -> x509.Certificate:
    """Valid from one hour before `now`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    return extend(builder).sign(signer, hashes.SHA256())


def _name(common: str, organisation: str | None = None) -> x509.Name:
    """Doc 9303-12 asks for the country, in upper case, in each name."""
    whose = DEVELOPMENT if organisation is None else organisation
    names = [(NameOID.COUNTRY_NAME, "VN"), (NameOID.ORGANIZATION_NAME, whose), (NameOID.COMMON_NAME, common)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in names if value])


def _usage(authority: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _save(pki: Pki, role: Role, credential: Credential) -> None:
    write_new(pki.key_path(role), credential.key_pem, mode=0o600)
    write_new(pki.certificate_path(role), credential.certificate_pem)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        said = f"{path} is missing: make a centre in a new folder with `kiosk-centre init`"
        raise CentreSetupError(said) from exc
    except OSError as exc:
        raise CentreSetupError(f"{path} cannot be read: {os.strerror(exc.errno or 0)}") from exc
