"""Whose right a record's cards are made by: the centre's, or a lease's, where a token in the box could sign.

The centre's is written down before the centre is asked, into the draft's vault: it goes wherever the draft
goes. The lease's lies with what was signed under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from firmware.records.vault import Vault

ASKED = "asked"


class Authority(StrEnum):
    """Who has, or may have, signed any attempt of a record."""

    NOBODY = "nobody"
    CENTRE = "centre"
    LEASE = "lease"


class Authorities:
    """Notes and answers, durable when they return."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def centre_asked(self, record_id: str, attempt: int) -> None:
        """Before the centre is asked: from here it may have signed this attempt."""
        self._vault.put(record_id, {"kind": ASKED, "attempt": attempt, "reached": True})

    def centre_not_reached(self, record_id: str, attempt: int) -> None:
        """The question never left the box: the centre has not signed this attempt."""
        self._vault.put(record_id, {"kind": ASKED, "attempt": attempt, "reached": False})

    def of(self, record_id: str) -> Authority:
        """The one that this record has."""
        entries = [self._vault.get(record_id, name).about for name in self._vault.names(record_id)]
        if any(about["kind"] == "sod" and "lease" in about for about in entries):
            return Authority.LEASE
        return Authority.CENTRE if _reached(entries) else Authority.NOBODY


def _reached(entries: list[Mapping[str, Any]]) -> bool:
    """Whether the last word on any attempt is that the centre was asked."""
    return any({about["attempt"]: about["reached"] for about in entries if about["kind"] == ASKED}.values())
