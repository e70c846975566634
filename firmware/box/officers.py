"""The staff of this box: who may do what, by badge and PIN (a local list; PINs hashed with scrypt)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from firmware.records.format.staff import LENGTH, ROLES, hashed, matches

__all__ = [
    "Officer", "OfficersError", "hashed", "officers_in", "officers_text", "read_officers", "write_officers",
]  # fmt: skip


class OfficersError(Exception):
    """The list of staff cannot be used."""


@dataclass(frozen=True, slots=True)
class Officer:
    """`role` is officer or technician; `pin` is `salt:hash` in hex.

    `number` is the person's own number, "" where the list does not say: by it the registry knows their
    fingers, which are never taken for a citizen's.
    """

    badge: str
    officer: str
    name: str
    role: str
    pin: str
    number: str = ""

    def knows(self, pin: str) -> bool:
        """Whether `pin` is this person's, compared in constant time."""
        return matches(pin, self.pin)


def read_officers(path: Path) -> Mapping[str, Officer]:
    """Return the staff by badge; an absent list is an empty one. Raises OfficersError."""
    try:
        return officers_in(path.read_bytes(), path)
    except FileNotFoundError:
        return {}


def officers_in(text: bytes, path: Path) -> Mapping[str, Officer]:
    """The staff by badge, of a list that was read from `path`. Raises OfficersError."""
    try:
        rows: list[dict[str, Any]] = json.loads(text)
        return {row["badge"]: _checked(Officer(**row)) for row in rows}
    except (ValueError, TypeError, KeyError) as exc:
        raise OfficersError(f"{path} is not a list of staff: {exc}") from exc


def _checked(officer: Officer) -> Officer:
    """Raise ValueError unless role and PIN are ones that a sign-in can use."""
    salt, _, digest = officer.pin.partition(":")
    if officer.role not in ROLES:
        raise ValueError(f"the role of {officer.badge} is none of {', '.join(ROLES)}")
    if not bytes.fromhex(salt) or len(bytes.fromhex(digest)) != LENGTH:
        raise ValueError(f"the PIN of {officer.badge} is not salt:hash")
    return officer


def write_officers(path: Path, officers: list[Officer]) -> None:
    """Write the list (mode 0600)."""
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(officers_text(officers), encoding="utf-8")
    beside.replace(path)


def officers_text(officers: list[Officer]) -> str:
    """The list as it is written."""
    return json.dumps([asdict(officer) for officer in officers], ensure_ascii=False, indent=1)
