"""The signed registry extract on the box: for looking people up when the centre cannot be asked.

As the centre gives it: a first line `{"header": {…}, "signature": base64}`, ECDSA P-256 / SHA-256 over the
header's canonical JSON (RFC 8785); the header holds the SHA-256 of the lines that follow, one person each.

As it lies on the box, where no person's line is ever plain:

    the same first line                       nothing in it is personal
    base64 of an AES-256 key, wrapped (age) to the box
    for each person: length (4) ‖ nonce (12) ‖ AES-256-GCM of the line; AAD: SHA-256 of the first line ‖ n (4)

An index of numbers is kept in memory while it is open.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pyrage
import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from firmware.uplink.durable import sync_folder, write_durably
from firmware.uplink.errors import ExtractRefused

FORMAT = "idkiosk-registry-extract/1"
MAX_HEADER_BYTES = 4096
MAX_LINE_BYTES = 2 << 20
CLOCK_SKEW = timedelta(minutes=10)
LENGTH_BYTES, NONCE_BYTES = 4, 12


def keep(
    data: bytes, path: Path, certificate: x509.Certificate, now: datetime, box: pyrage.x25519.Recipient
) -> datetime:
    """Put an extract, as the centre gave it, encrypted in the place of `path`; return when it was signed.

    Durable on return. Raises ExtractRefused, and then the file that was there stays; OSError.
    """
    plain = io.BytesIO(data)
    first = plain.readline(MAX_HEADER_BYTES)
    header = _header(first, certificate)
    issued_at, valid_until = _times(header)
    _check_age(issued_at, valid_until, now)
    lines = list(iter(lambda: plain.readline(MAX_LINE_BYTES), b""))
    _numbers(lines, header)
    beside = path.with_name(f".{path.name}.new")
    try:
        write_durably(beside, first + _encrypted(first, lines, box))
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return issued_at


class Extract:
    """A verified extract on the box; `issued_at` says how old its answers are."""

    def __init__(
        self, path: Path, certificate: x509.Certificate, now: datetime, box: pyrage.x25519.Identity
    ) -> None:
        """Verify the whole file once. Raises ExtractRefused; FileNotFoundError when there is none."""
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        with path.open("rb") as file:
            self._stamp = _stamp_of(os.fstat(file.fileno()))
            first = file.readline(MAX_HEADER_BYTES)
            header = _header(first, certificate)
            self.issued_at, self.valid_until = _times(header)
            _check_age(self.issued_at, self.valid_until, now)
            self._bound_to = hashlib.sha256(first).digest()
            self._key = _unwrapped(file.readline(MAX_HEADER_BYTES), box)
            places: list[int] = []
            numbers = _numbers(self._lines(file, places), header)
        self._places = {number: (n, places[n]) for n, number in enumerate(numbers)}

    @property
    def is_current(self) -> bool:
        """Whether this file, and no newer one, lies there."""
        try:
            return _stamp_of(self._path.stat()) == self._stamp
        except FileNotFoundError:
            return False

    def person(self, number: str, now: datetime) -> dict[str, Any] | None:
        """The person of `number` as the registry has it, or None. Raises ExtractRefused if too old."""
        _check_age(self.issued_at, self.valid_until, now)
        if number not in self._places:
            return None
        n, offset = self._places[number]
        with self._path.open("rb") as file:
            file.seek(offset)
            sealed = _sealed_line(file)
        return _person(self._opened(sealed or b"", n))

    def _lines(self, file: BinaryIO, places: list[int]) -> Iterator[bytes]:
        """Each person's line; `places` gets where each begins."""
        offset = file.tell()
        for n, sealed in enumerate(iter(lambda: _sealed_line(file), None)):
            places.append(offset)
            offset += LENGTH_BYTES + len(sealed)
            yield self._opened(sealed, n)

    def _opened(self, sealed: bytes, n: int) -> bytes:
        try:
            return self._key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _aad(self._bound_to, n))
        except (InvalidTag, ValueError) as exc:
            raise ExtractRefused("the extract is not what was kept") from exc


def _encrypted(first: bytes, lines: Iterable[bytes], box: pyrage.x25519.Recipient) -> bytes:
    """The wrapped key and every person's line under it."""
    key, bound_to = AESGCM.generate_key(256), hashlib.sha256(first).digest()
    parts = [base64.b64encode(pyrage.encrypt(key, [box])), b"\n"]
    for n, line in enumerate(lines):
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, line, _aad(bound_to, n))
        parts += [len(sealed).to_bytes(LENGTH_BYTES, "big"), sealed]
    return b"".join(parts)


def _unwrapped(line: bytes, box: pyrage.x25519.Identity) -> AESGCM:
    try:
        return AESGCM(pyrage.decrypt(_unbased(line.removesuffix(b"\n")), [box]))
    except (ValueError, pyrage.DecryptError) as exc:
        raise ExtractRefused("the extract is not kept for this box") from exc


def _unbased(text: bytes) -> bytes:
    """Base64 in its one form: spare bits are zero (RFC 4648, 3.5). Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data) != text:
        raise ValueError("base64 that nothing of ours writes")
    return data


def _sealed_line(file: BinaryIO) -> bytes | None:
    """The next person's bytes; None at the end. Raises ExtractRefused for a torn or an endless one."""
    length = file.read(LENGTH_BYTES)
    if not length:
        return None
    size = int.from_bytes(length, "big")
    if size > MAX_LINE_BYTES + 64:
        raise ExtractRefused("the extract is not what was kept")
    sealed = file.read(size)
    if len(sealed) != size:
        raise ExtractRefused("the extract is not what was kept")
    return sealed


def _aad(bound_to: bytes, n: int) -> bytes:
    return bound_to + n.to_bytes(LENGTH_BYTES, "big")


def _stamp_of(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _numbers(lines: Iterable[bytes], header: dict[str, Any]) -> list[str]:
    """The persons' numbers in their order, if the lines are those that the header speaks of."""
    digest, numbers = hashlib.sha256(), dict[str, None]()
    for line in lines:
        digest.update(line)
        number = _person(line).get("number")
        if not isinstance(number, str) or number in numbers:
            raise ExtractRefused("the extract has a person without a number, or one twice")
        numbers[number] = None
    if digest.hexdigest() != header.get("sha256") or len(numbers) != header.get("persons"):
        raise ExtractRefused("the extract is not what its header says")
    return list(numbers)


def _check_age(issued_at: datetime, valid_until: datetime, now: datetime) -> None:
    if not issued_at - CLOCK_SKEW <= now <= valid_until:
        raise ExtractRefused(f"the extract is valid until {valid_until.isoformat()}")


def _header(line: bytes, certificate: x509.Certificate) -> dict[str, Any]:
    try:
        signed = json.loads(line)
        header, signature = signed["header"], _unbased(signed["signature"].encode())
        content = rfc8785.dumps(header)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise ExtractRefused("this is not a registry extract") from exc
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ExtractRefused("the extract's certificate holds no elliptic-curve key")
    try:
        key.verify(signature, content, ec.ECDSA(SHA256()))
    except InvalidSignature as exc:
        raise ExtractRefused("the extract is not signed by the centre") from exc
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ExtractRefused(f"the extract is not of the form {FORMAT}")
    return header


def _times(header: dict[str, Any]) -> tuple[datetime, datetime]:
    try:
        times = [datetime.fromisoformat(header[key]) for key in ("issued_at", "valid_until")]
    except (ValueError, TypeError, KeyError) as exc:
        raise ExtractRefused("the extract's times are missing or malformed") from exc
    if any(time.tzinfo is None for time in times):
        raise ExtractRefused("the extract's times have no zone")
    return times[0], times[1]


def _person(line: bytes) -> dict[str, Any]:
    try:
        person = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise ExtractRefused("the extract has a line that is no person") from exc
    if not isinstance(person, dict):
        raise ExtractRefused("the extract has a line that is no person")
    return person
