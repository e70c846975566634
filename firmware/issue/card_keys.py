"""The issuer's keys of cards, as this box has them: what the dialects under SCP03 personalise with."""

from __future__ import annotations

from pathlib import Path

from config.schema import Config
from drivers.chip.key_store import FileKeyStore, KeyStore
from drivers.token.key_store import TokenKeyStore
from drivers.token.pkcs11 import Token, pin_in

CARD_KEYS = "card-keys.toml"  # in the identity's folder; virtual and lab stations only


def token_of(config: Config) -> Token | None:
    """The token of `[token]`, not opened yet; None where none is set."""
    settings = config.token
    if not settings.module:
        return None
    return Token(Path(settings.module), settings.label, pin_in(Path(settings.pin_file)))


def card_keys(folder: Path, token: Token | None) -> KeyStore | None:
    """The key store of a box: a file in its identity's folder, else its token; None where it has neither.

    Raises KeyStoreError for a file that is none. The token must have `scp03-KVN` when it is asked.
    """
    path = folder / CARD_KEYS
    if path.is_file():
        return FileKeyStore(path)
    return None if token is None else TokenKeyStore(token)
