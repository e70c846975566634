"""Where the issuer's static keys of a card come from. The keys of a card follow from a master key.

ENC, MAC and DEK of a card are derived from the master key of its key version number (KVN) by SP 800-108
in counter mode with CMAC in the shape of Amendment D 4.1.5 (`drivers.chip.sp800_108.derive`): constant
01, 02, 03 (their key identifiers), context the ten bytes of key diversification data (KDD) that the card
gives in INITIALIZE UPDATE, as long as the master key is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

from drivers.chip.sp800_108 import derive
from drivers.errors import DeviceFault

KDD_SIZE = 10
KEY_SIZES = (16, 32)  # AES-128, AES-256
MASTER_KEYS, STATIC_KEYS = "master", "static"


class KeyStoreError(DeviceFault):
    """The key store cannot give these keys; the message names the store and the KVN, never a key."""

    def __init__(self, doing: str) -> None:
        super().__init__("key store", doing)


class Constant(IntEnum):
    """Derivation constants of a card's keys: the key identifiers of SCP03 (Amendment D, 7.1.1)."""

    ENC = 0x01
    MAC = 0x02
    DEK = 0x03


@dataclass(frozen=True, slots=True, repr=False)
class StaticKeys:
    """K-ENC, K-MAC, K-DEK of one card: all three 16 or all three 32 bytes. Never printed."""

    enc: bytes
    mac: bytes
    dek: bytes

    def __post_init__(self) -> None:
        if len(self.enc) not in KEY_SIZES or not len(self.enc) == len(self.mac) == len(self.dek):
            raise ValueError("K-ENC, K-MAC and K-DEK are all of 16 or all of 32 bytes")


class KeyStore(Protocol):
    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
        """The keys of the card with this KDD (10 bytes). Raises KeyStoreError when it has none."""


class FileKeyStore:
    """Keys in a TOML file, for the virtual station and a lab: hex by KVN, in either of two tables.

        [master]                 # diversified with the card's KDD
        30 = "…"                 # 32 or 64 hex digits; the KVN is hex too
        [static]                 # a lab card's one key for ENC, MAC and DEK, not diversified
        01 = "…"

    Whoever can read the file can make cards: a production box takes a key store in hardware.
    """

    def __init__(self, path: Path) -> None:
        """Raises KeyStoreError for a file that is not there or says something else."""
        self._path = path
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            raise KeyStoreError(f"{path}: {exc}") from exc
        unknown = sorted(raw.keys() - {MASTER_KEYS, STATIC_KEYS})
        if unknown:
            raise KeyStoreError(f"{path}: table {unknown[0]} is unknown (known: master, static)")
        self._master = self._table(raw, MASTER_KEYS)
        self._static = self._table(raw, STATIC_KEYS)
        if self._master.keys() & self._static.keys():
            raise KeyStoreError(f"{path}: a KVN stands in both tables")

    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
        if kvn in self._static:
            return StaticKeys(*(3 * [self._static[kvn]]))
        if kvn not in self._master:
            raise KeyStoreError(f"{self._path}: no key for KVN {kvn:02X}")
        return diversify(self._master[kvn], kdd)

    def _table(self, raw: Mapping[str, Any], name: str) -> dict[int, bytes]:
        table = raw.get(name, {})
        if not isinstance(table, Mapping):
            raise KeyStoreError(f"{self._path}: {name} must be a table")
        return dict(self._entry(name, kvn, key) for kvn, key in table.items())

    def _entry(self, name: str, kvn: str, key: object) -> tuple[int, bytes]:
        """One line of a table; what it holds is never part of the message."""
        try:
            number, value = int(kvn, 16), bytes.fromhex(str(key))
        except ValueError:
            number, value = 0, b""
        if not 1 <= number <= 0x7F or len(value) not in KEY_SIZES:
            raise KeyStoreError(f"{self._path}: {name}.{kvn} is a KVN 01 to 7F and 16 or 32 bytes, in hex")
        return number, value


def diversify(master: bytes, kdd: bytes) -> StaticKeys:
    """The keys of the card with this KDD (see the top of this file)."""
    if len(kdd) != KDD_SIZE:
        raise KeyStoreError(f"key diversification data has {KDD_SIZE} bytes, not {len(kdd)}")
    return StaticKeys(*(derive(master, constant, kdd, len(master)) for constant in Constant))
