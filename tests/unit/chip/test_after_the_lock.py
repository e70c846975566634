"""What a locked card says to INITIALIZE UPDATE is the profile's: GlobalPlatform leaves it to the card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.dialects import KEYS, Kit, MasterKeys

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.errors import NotLocked
from drivers.virtual.card import VirtualReader

INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE = b"\x80\x50", b"\x84\x82"
OTHERS = (0x6D00, 0x6E00, 0x6982)


class SaysOtherwise(VirtualReader):
    """A reader on which a card refuses the command `to` with other status bytes than ours do."""

    sw = b"\x69\x85"
    to = INITIALIZE_UPDATE
    always = False

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        answer = super().transmit(apdu, timeout_s)
        refused = self.always or answer == b"\x69\x85"
        return self.sw if refused and apdu[:2] == self.to else answer


@pytest.fixture
def reader() -> Iterator[SaysOtherwise]:
    with SaysOtherwise() as opened:
        yield opened


def open_with(reader: VirtualReader, made: Kit, *locked: int) -> Dialect:
    """The dialect of a profile that knows these status bytes of a locked card."""
    words = made.profile.scp03
    assert words is not None
    profile = replace(made.profile, scp03=replace(words, locked=frozenset(locked)))
    return open_dialect(profile, reader, MasterKeys(), BlockMemory())


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("sw", OTHERS)
def test_a_card_is_locked_that_says_so_in_the_words_of_its_profile(
    reader: SaysOtherwise, made: Kit, sw: int
) -> None:
    reader.sw = sw.to_bytes(2, "big")
    dialect = open_with(reader, made, 0x6985, sw)
    made.personalise(dialect)
    assert dialect.identify(KEYS).kind is CardKind.OURS_LOCKED
    assert "personalisation_refused" in dialect.prove_locked(made.keys)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("sw", OTHERS)
def test_what_the_profile_does_not_know_is_no_lock(reader: SaysOtherwise, made: Kit, sw: int) -> None:
    reader.sw = sw.to_bytes(2, "big")
    dialect = made.open(reader)
    made.personalise(dialect)
    with pytest.raises(NotLocked, match="personalisation_refused"):
        dialect.prove_locked(made.keys)
    assert dialect.identify(KEYS).kind is CardKind.FOREIGN


@pytest.mark.usefixtures("card")
def test_a_card_that_refuses_the_issuers_cryptogram_is_not_taken_for_locked(
    reader: SaysOtherwise, made: Kit
) -> None:
    """The word must come to INITIALIZE UPDATE: EXTERNAL AUTHENTICATE refused means other keys."""
    dialect = open_with(reader, made, 0x6982)
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    reader.sw, reader.to, reader.always = b"\x69\x82", EXTERNAL_AUTHENTICATE, True
    assert dialect.identify(KEYS).kind is CardKind.FOREIGN
