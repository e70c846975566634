"""The trust store: a folder of the country signing CAs that are believed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from cryptography import x509

from firmware.document.errors import NotAuthenticError
from firmware.document.passive import load_certificate

SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der"})
LARGEST_FILE, MOST_FILES = 1 << 20, 2000
_PEM = b"-----BEGIN CERTIFICATE-----"


class TrustError(Exception):
    """The folder cannot be used; the message names the file."""


def load_trust(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a folder (.pem with one or several, .crt, .cer, .der), or of one such file.

    Raises TrustError when there is none, or a file is not what its name says.
    """
    files = [path] if path.is_file() else sorted(_certificates_of(path))
    found = tuple(certificate for file in files for certificate in _read(file))
    if not found:
        raise TrustError(f"{path} holds no certificate (.pem, .crt, .cer or .der)")
    return found


def _certificates_of(folder: Path) -> list[Path]:
    try:
        named = (each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES)
        files = list(islice(named, MOST_FILES + 1))
    except OSError as exc:
        raise TrustError(f"{folder} cannot be read: {exc.strerror}") from exc
    if len(files) > MOST_FILES:
        raise TrustError(f"{folder} holds more than {MOST_FILES} certificates")
    return files


def _read(file: Path) -> list[x509.Certificate]:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ValueError(f"over {LARGEST_FILE} bytes")
        if _PEM in data:
            return x509.load_pem_x509_certificates(data)
        return [load_certificate(data)]
    except (OSError, ValueError, NotAuthenticError) as exc:
        raise TrustError(f"{file} is not a certificate: {exc}") from exc
