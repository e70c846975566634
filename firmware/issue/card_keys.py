"""The issuer's keys of cards, as this box has them: what the dialects under SCP03 personalise with."""

from __future__ import annotations

from pathlib import Path

from drivers.chip.key_store import FileKeyStore, KeyStore

CARD_KEYS = "card-keys.toml"  # in the identity's folder; virtual and lab stations only


def card_keys(folder: Path) -> KeyStore | None:
    """The key store of a box with this identity folder, None where it has none. Raises KeyStoreError."""
    path = folder / CARD_KEYS
    return FileKeyStore(path) if path.is_file() else None
