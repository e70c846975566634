"""The count of a travelling lease, kept in the PKCS#11 token itself: a private data object, no secret.

    CKA_LABEL        idkiosk-lease
    CKA_APPLICATION  idkiosk
    CKA_VALUE        {"serial":9,"used":12}   canonical JSON (RFC 8785)

A new one is written before the old one is removed. Where a power cut left two, the higher one holds.
"""

from __future__ import annotations

import json

import rfc8785

from drivers.errors import ProtocolError
from drivers.token.errors import TOKEN
from drivers.token.pkcs11 import Token
from firmware.box.lease import Mark

LABEL = "idkiosk-lease"


class TokenMarks:
    """`firmware.box.lease.Marks` in `token`, whose thread it shares."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def mark(self) -> Mark | None:
        """Raises DeviceFault: ProtocolError too for an object of that name which is no mark."""
        found = [_read(value) for value in self._token.data(LABEL)]
        return max(found, key=lambda mark: (mark.serial, mark.used), default=None)

    def put(self, mark: Mark) -> None:
        """Durable when it returns. Raises DeviceFault."""
        self._token.put_data(LABEL, rfc8785.dumps({"serial": mark.serial, "used": mark.used}))


def _read(value: bytes) -> Mark:
    try:
        said = json.loads(value)
        mark = Mark(said["serial"], said["used"])
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise ProtocolError(TOKEN, f"data {LABEL}") from exc
    if type(mark.serial) is not int or type(mark.used) is not int or mark.serial < 1 or mark.used < 0:
        raise ProtocolError(TOKEN, f"data {LABEL}")
    return mark
