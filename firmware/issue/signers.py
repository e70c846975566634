"""Document signers in the box: a key in a PKCS#11 token, or, on a virtual station, in a file.

Neither keeps the centre's ledger: who may issue what is for `leave` to say, before a signature is made.
The journal keeps each attempt's EF.SOD, so the same attempt is not signed twice but after a power cut
between the signature and the disk; that signature never left the box.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from drivers.errors import DeviceFault
from drivers.token.pkcs11 import Token
from firmware.issue.errors import SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.records.format.signing import ExternalKey, ExternalKeyFailed, Signer, ef_sod

MAX_FILE = 64 << 10
Leave = Callable[[SigningRequest], None]
"""Raises SignerRefused or SignerUnavailable for a request that this box may not sign by itself, now."""


class SignerNotAllowed(Exception):
    """This profile takes no such signer: the box is set up wrongly."""


class Pkcs11Signer:
    """`firmware.issue.ports.DocumentSigner` by a key in `token`, whose thread it shares.

    The certificate is read, and the token logged into, when first asked.
    """

    def __init__(
        self,
        token: Token,
        label: str,
        certificate: Path,
        now: Callable[[], datetime],
        leave: Leave,
    ) -> None:
        self._token = token
        self._label = label
        self._certificate = certificate
        self._now = now
        self._leave = leave

    def sign(self, request: SigningRequest) -> bytes:
        """EF.SOD. Raises SignerUnavailable for whatever ails the token, and as `leave` says."""
        certificate = read_certificate(self._certificate)
        try:
            self._leave(request)
            signer = Signer(self._key(certificate), certificate)
            return ef_sod(request.data_group_hashes, signer, self._now(), request.lds_version)
        except (DeviceFault, ExternalKeyFailed, ValueError) as exc:
            raise SignerUnavailable(str(exc)) from exc

    def close(self) -> None:
        """Log out of the token."""
        self._token.close()

    def _key(self, certificate: x509.Certificate) -> ExternalKey:
        key = self._token.ec_key(self._label)
        if not _same(key.public_key, certificate):
            raise SignerUnavailable(f"the certificate is of another key than {self._label!r} in the token")
        return ExternalKey(key.public_key, key.sign_digest)


class FileSigner:
    """`firmware.issue.ports.DocumentSigner` by a key in a file: for a virtual station, never for citizens."""

    def __init__(
        self,
        key: Path,
        certificate: Path,
        now: Callable[[], datetime],
        leave: Leave,
        profile: str,
    ) -> None:
        """Raises SignerNotAllowed unless `profile` is "virtual"; the files are read when first asked."""
        if profile != "virtual":
            raise SignerNotAllowed(f"a document signer's key in a file is not for a {profile} box")
        self._key = key
        self._certificate = certificate
        self._now = now
        self._leave = leave

    def sign(self, request: SigningRequest) -> bytes:
        """EF.SOD. Raises SignerUnavailable when the files are not a key and its certificate."""
        self._leave(request)
        certificate = read_certificate(self._certificate)
        try:
            key = load_pem_private_key(_read(self._key), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey) or not _same(key.public_key(), certificate):
                raise ValueError("not the key of its certificate")
            signer = Signer(key, certificate)
            return ef_sod(request.data_group_hashes, signer, self._now(), request.lds_version)
        except (ValueError, TypeError) as exc:
            raise SignerUnavailable(f"{self._key}: {exc}") from exc

    def close(self) -> None:
        """Nothing is held."""


def signer_sha256(path: Path) -> str:
    """SHA-256 (hex) of a document signer's certificate, as a lease names it. Raises SignerUnavailable."""
    return sha256(read_certificate(path).public_bytes(Encoding.DER)).hexdigest()


def read_certificate(path: Path) -> x509.Certificate:
    """A document signer's certificate (PEM). Raises SignerUnavailable."""
    with suppress(ValueError):
        return x509.load_pem_x509_certificate(_read(path))
    raise SignerUnavailable(f"{path} is not a certificate")


def _same(key: ec.EllipticCurvePublicKey, certificate: x509.Certificate) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_FILE)
    except OSError as exc:
        raise SignerUnavailable(f"{path} cannot be read: {exc.strerror}") from exc
