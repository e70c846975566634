"""Which class speaks a profile's kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import Dialect
from drivers.chip.dialects.iso7816_scp03 import Iso7816Scp03
from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.dialects.profile import Kind, Profile, load_profile
from drivers.chip.dialects.scp03_card import Scp03Card
from drivers.chip.dialects.store_data import StoreData
from drivers.chip.key_store import KeyStore

if TYPE_CHECKING:
    from drivers.api import ChipReader

UNDER_SCP03: Mapping[Kind, type[Scp03Card]] = {
    Kind.ISO7816_SCP03: Iso7816Scp03,
    Kind.STORE_DATA: StoreData,
}


def open_dialect(
    profile: Profile | str, reader: ChipReader, key_store: KeyStore | None, memory: BlockMemory
) -> Dialect:
    """The dialect of a profile (or of config/cards/NAME.toml) over a reader.

    `key_store` is None where the box has none. `memory` outlives the dialect, so that a kind of card is
    tried out once. Raises ProfileError, and KeyStoreError where the dialect needs a key store.
    """
    words = load_profile(profile) if isinstance(profile, str) else profile
    if words.kind is Kind.LDS_PLAIN:
        return LdsPlain(reader, words)
    return UNDER_SCP03[words.kind](reader, words, key_store, memory)
