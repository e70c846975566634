"""The seal: a stored zip of manifest, CMS signature and files, encrypted in the age format.

Entries in this order: `manifest.json`, `manifest.p7s`, then the manifest's files by name; no compression, no
extra fields, one fixed date. A reader accepts nothing else, so one record has one zip per signature.
`age -d -i KEY sealed > record.zip; unzip record.zip; openssl cms -verify …` open it anywhere.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import pyrage
from cryptography import x509

from firmware.records.format import cms
from firmware.records.format.errors import SealRefused, SignatureRefused
from firmware.records.format.manifest import (
    MAX_MANIFEST_BYTES,
    canonical,
    files_table,
    parse,
    record_digest,
)
from firmware.records.format.schema import FILE, MAX_FILE_BYTES, MAX_FILES, require_valid
from firmware.records.format.signing import Signer, sign_detached

MAX_SEALED_BYTES = 32 << 20
MANIFEST, SIGNATURE = "manifest.json", "manifest.p7s"
_LIMITS = {MANIFEST: MAX_MANIFEST_BYTES, SIGNATURE: cms.MAX_CMS_BYTES}
_FILE = re.compile(FILE, re.ASCII)
__all__ = ["OpenedRecord", "Sealed", "Signer", "open_package", "open_sealed", "package", "seal"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The sealed file and its two digests (SHA-256, lower-case hexadecimal)."""

    data: bytes
    record_digest: str
    sealed_digest: str


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record that has been decrypted and verified whole."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    record_digest: str
    box: str


def seal(
    manifest: Mapping[str, Any],
    files: Mapping[str, bytes],
    signer: Signer,
    recipients: Sequence[str],
) -> Sealed:
    """Validate, sign, pack and encrypt. `recipients`: the centre's `age1…` lines.

    Raises SchemaRefused, or SealRefused for files that are not the manifest's or recipients that are none.
    """
    return encrypt(package(manifest, files, signer), record_digest(canonical(manifest)), recipients)


def package(manifest: Mapping[str, Any], files: Mapping[str, bytes], signer: Signer) -> bytes:
    """Return the zip, unencrypted. Raises SchemaRefused, SealRefused."""
    require_valid(manifest)
    if manifest["files"] != files_table(files):
        raise SealRefused("the files are not those of the manifest")
    if manifest["assignment"]["box"] != signer.box:
        raise SealRefused("the manifest is another box's than the certificate")
    content = canonical(manifest)
    return _zip(content, sign_detached(content, signer), files)


def encrypt(zipped: bytes, digest: str, recipients: Sequence[str]) -> Sealed:
    """Encrypt a package to every one of `recipients`. Raises SealRefused."""
    if not recipients:
        raise SealRefused("no recipient is given")
    try:
        keys = [pyrage.x25519.Recipient.from_str(line) for line in recipients]
        data = pyrage.encrypt(zipped, keys)
    except (pyrage.RecipientError, pyrage.EncryptError) as exc:
        raise SealRefused("a recipient is not an age X25519 key") from exc
    if len(data) > MAX_SEALED_BYTES:
        raise SealRefused(f"the record is longer than {MAX_SEALED_BYTES} bytes")
    return Sealed(data, digest, sha256(data).hexdigest())


def open_sealed(
    data: bytes,
    identities: Sequence[pyrage.x25519.Identity],
    box_ca: x509.Certificate,
    at: datetime,
) -> OpenedRecord:
    """Decrypt with the centre's `identities` and verify everything; certificates are judged at `at` (aware).

    Raises SealRefused, SignatureRefused, SchemaRefused; nothing else on any bytes.
    """
    if len(data) > MAX_SEALED_BYTES:
        raise SealRefused(f"the sealed file is longer than {MAX_SEALED_BYTES} bytes")
    try:
        zipped = pyrage.decrypt(data, list(identities))
    except pyrage.DecryptError as exc:
        raise SealRefused("the sealed file does not open: damaged, or for other recipients") from exc
    return open_package(zipped, box_ca, at)


def open_package(zipped: bytes, box_ca: x509.Certificate, at: datetime) -> OpenedRecord:
    """Verify a decrypted package: form, signature, schema, and each file against the manifest."""
    entries = _unzip(zipped)
    content, signature = entries.pop(MANIFEST), entries.pop(SIGNATURE)
    box = cms.verify(signature, content, box_ca, at)
    manifest = parse(content)
    require_valid(manifest)
    if manifest["assignment"]["box"] != box:
        raise SignatureRefused("the manifest is another box's than the certificate")
    if manifest["files"] != files_table(entries):
        raise SealRefused("the files are not those of the manifest")
    return OpenedRecord(manifest, entries, record_digest(content), box)


def _zip(manifest: bytes, signature: bytes, files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, manifest), (SIGNATURE, signature), *sorted(files.items())):
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01, as zip's epoch is
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, data)
    return target.getvalue()


def _unzip(zipped: bytes) -> dict[str, bytes]:
    """Every entry by name. The zip must be byte for byte what `_zip` makes of its entries."""
    try:
        with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
            listed = archive.infolist()
            _check_entries(listed)
            entries = {entry.filename: archive.read(entry) for entry in listed}
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as exc:
        raise SealRefused("the package is not a zip") from exc
    files = {name: data for name, data in entries.items() if name not in _LIMITS}
    if _zip(entries[MANIFEST], entries[SIGNATURE], files) != zipped:
        raise SealRefused("the zip is not in the one form a box writes")
    return entries


def _check_entries(listed: Sequence[zipfile.ZipInfo]) -> None:
    """Bound everything by the directory before a byte of content is read."""
    names = [entry.filename for entry in listed]
    if names[:2] != [MANIFEST, SIGNATURE] or len(names) > MAX_FILES + 2:
        raise SealRefused("the zip does not begin with manifest and signature, or has too many entries")
    if len(set(names)) != len(names):
        raise SealRefused("the zip has a name twice")
    for entry in listed:
        if entry.filename not in _LIMITS and not _FILE.fullmatch(entry.filename):
            raise SealRefused("the zip has a name that no record has")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise SealRefused("the zip is compressed")
        if entry.file_size > _LIMITS.get(entry.filename, MAX_FILE_BYTES):
            raise SealRefused(f"{entry.filename} is too long")
