"""b8 of STORE DATA's P1 (GlobalPlatform 2.3.1, 11.11): the last block of a DGI, or of all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.dialects import KEYS, MasterKeys, kit

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import LastBlock, StoreDataWords
from drivers.chip.errors import CardRefused, ConditionsNotSatisfied
from drivers.virtual.card import VirtualReader, blank_card

MADE = kit("store-data")


def dialect_of(reader: VirtualReader, last_block: LastBlock, last_block_ends: bool) -> Dialect:
    reader.put(blank_card(kind=MADE.name, last_block_ends=last_block_ends))
    profile = replace(MADE.profile, store_data=StoreDataWords(last_block))
    return open_dialect(profile, reader, MasterKeys(), BlockMemory())


def test_a_card_that_ends_with_the_last_block_is_never_sent_one(reader: VirtualReader) -> None:
    dialect = dialect_of(reader, LastBlock.NEVER, last_block_ends=True)
    MADE.personalise(dialect)
    assert dialect.identify(KEYS).kind is CardKind.OURS_LOCKED
    assert "chip_authentication" in dialect.prove_locked(MADE.keys)


def test_otherwise_its_first_key_would_be_its_last(reader: VirtualReader) -> None:
    dialect = dialect_of(reader, LastBlock.GROUPING, last_block_ends=True)
    dialect.identify(KEYS)
    with pytest.raises(ConditionsNotSatisfied):
        dialect.put_keys(MADE.keys)


def test_a_card_that_waits_for_each_last_block_says_so(reader: VirtualReader) -> None:
    dialect = dialect_of(reader, LastBlock.NEVER, last_block_ends=False)
    dialect.identify(KEYS)
    with pytest.raises(CardRefused, match="6A80"):
        dialect.put_keys(MADE.keys)
