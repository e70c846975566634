"""The signed registry extract on the box: for looking people up when the centre cannot be asked.

First line: `{"header": {…}, "signature": base64}`, ECDSA P-256 / SHA-256 over the header's canonical
JSON (RFC 8785); the header holds the SHA-256 of the lines that follow, one person each, by number.
Only an index is kept in memory.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from firmware.uplink.errors import ExtractRefused

FORMAT = "idkiosk-registry-extract/1"
MAX_HEADER_BYTES = 4096
MAX_LINE_BYTES = 2 << 20
CLOCK_SKEW = timedelta(minutes=10)


class Extract:
    """A verified extract file; `issued_at` says how old its answers are."""

    def __init__(self, path: Path, certificate: x509.Certificate, now: datetime) -> None:
        """Verify the whole file once. Raises ExtractRefused; FileNotFoundError when there is none."""
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        with path.open("rb") as file:
            header = _header(file.readline(MAX_HEADER_BYTES), certificate)
            self.issued_at, self.valid_until = _times(header)
            self._check_age(now)
            self._index(file, header)

    def person(self, number: str, now: datetime) -> dict[str, Any] | None:
        """The person of `number` as the registry has it, or None. Raises ExtractRefused if too old."""
        self._check_age(now)
        if number not in self._places:
            return None
        offset, size = self._places[number]
        with self._path.open("rb") as file:
            file.seek(offset)
            return _person(file.read(size))

    def _index(self, file: BinaryIO, header: dict[str, Any]) -> None:
        digest, offset = hashlib.sha256(), file.tell()
        for line in iter(lambda: file.readline(MAX_LINE_BYTES), b""):
            digest.update(line)
            number = _person(line).get("number")
            if not isinstance(number, str) or number in self._places:
                raise ExtractRefused("the extract has a person without a number, or one twice")
            self._places[number] = (offset, len(line))
            offset += len(line)
        if digest.hexdigest() != header.get("sha256") or len(self._places) != header.get("persons"):
            raise ExtractRefused("the extract is not what its header says")

    def _check_age(self, now: datetime) -> None:
        if not self.issued_at - CLOCK_SKEW <= now <= self.valid_until:
            raise ExtractRefused(f"the extract is valid until {self.valid_until.isoformat()}")


def _header(line: bytes, certificate: x509.Certificate) -> dict[str, Any]:
    try:
        signed = json.loads(line)
        header, signature = signed["header"], base64.b64decode(signed["signature"], validate=True)
        content = rfc8785.dumps(header)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as exc:
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
