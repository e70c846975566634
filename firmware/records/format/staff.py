"""The list of staff as a centre gives it to a box: who, in which role, and the hash of each one's PIN."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from firmware.records.format import check as c
from firmware.records.format import statement
from firmware.records.format.errors import StatementRefused

OFFICER, TECHNICIAN = "officer", "technician"
ROLES = (OFFICER, TECHNICIAN)
MAX_BYTES = 256 << 10
N, R, P, LENGTH = 2**14, 8, 1, 32  # RFC 7914: 16 MiB, some 50 ms on a PC
_word = c.text(60)
_staff = c.listing(
    c.fields(
        {
            "badge": _word,
            "officer": c.text(64, 1, r"[A-Za-z0-9_.:-]+"),
            "name": c.text(120),
            "role": c.one_of(*ROLES),
            "pin": c.text(200, 1, rf"(?:[0-9a-f]{{2}})+:[0-9a-f]{{{2 * LENGTH}}}"),
        },
        {"number": c.text(12, 0, r"(\d{12})?")},
    ),
    1000,
    1,
)


def hashed(pin: str) -> str:
    """`salt:hash` for a new PIN of six digits."""
    if len(pin) != 6 or not (pin.isascii() and pin.isdigit()):
        raise ValueError("a PIN has six digits")
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_hash(pin, salt).hex()}"


def matches(pin: str, kept: str) -> bool:
    """Whether `kept` is the hash of `pin`, compared in constant time."""
    salt, _, expected = kept.partition(":")
    return hmac.compare_digest(_hash(pin, bytes.fromhex(salt)).hex(), expected)


def staff_in(data: bytes) -> list[dict[str, Any]]:
    """The rows of a list, each badge once. Raises StatementRefused."""
    rows = statement.parse(data, "list of staff", _staff, MAX_BYTES)
    if len({row["badge"] for row in rows}) != len(rows):
        raise StatementRefused("the list of staff has a badge twice")
    return list(rows)


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=N, r=R, p=P, dklen=LENGTH)
