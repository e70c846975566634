"""The two dialects under SCP03 against the virtual cards; neither side knows the other's program."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.dialects import (
    COM,
    DG3,
    KEYS,
    NAMES,
    OTHER_KEYS,
    Kit,
    MasterKeys,
    curve_of,
    kit,
    made_up,
    private,
    unheard,
)

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.dialects.profile import Scp03Words
from drivers.chip.errors import CardRefused, ConditionsNotSatisfied, NotGenuine, NotLocked
from drivers.chip.key_store import KeyStoreError
from drivers.chip.lds import open_card
from drivers.chip.scp03 import KeysRefused, Level
from drivers.virtual.card import OfficerCard, VirtualCard, VirtualReader, blank_card, foreign_card

REFUSED = ("personalisation_refused", "plain_read_refused", "key_change_refused", "write_refused")


def test_a_blank_card_becomes_operational(card: VirtualCard, made: Kit, dialect: Dialect) -> None:
    made.personalise(dialect)
    state = dialect.identify(KEYS)
    assert state.kind == CardKind.OURS_LOCKED
    assert dialect.protocol == "PACE ECDH-GM AES-CBC-CMAC-128 P-256 MRZ"
    for fid, content in made.files.items():
        if fid not in dialect.guarded:
            assert dialect.read_file(fid, len(content), unheard) == content
    proofs = ("access_opens", "active_authentication", "chip_authentication")
    assert dialect.prove_locked(made.keys) == (*REFUSED, *proofs)
    assert dialect.apdus == card.apdus


def test_the_serial_is_the_same_in_every_state_and_anothers_differs(
    card: VirtualCard, made: Kit, dialect: Dialect, reader: VirtualReader
) -> None:
    blank = dialect.identify(KEYS).serial
    made.personalise(dialect)
    assert blank is not None
    assert len(blank) == 24
    assert dialect.identify(KEYS).serial == dialect.identify(OTHER_KEYS).serial == blank
    reader.put(made.blank())
    assert dialect.identify(KEYS).serial != blank


def test_cards_of_other_kinds_are_foreign(reader: VirtualReader, dialect: Dialect, made: Kit) -> None:
    for other in (foreign_card(), OfficerCard("CB-0042"), blank_card()):
        reader.put(other)
        assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_a_blank_of_another_issuer_is_foreign_and_gets_no_authentication(
    card: VirtualCard, made: Kit, reader: VirtualReader
) -> None:
    other = made.open(reader, MasterKeys(bytes(16)))
    assert other.identify(KEYS).kind == CardKind.FOREIGN
    with pytest.raises(KeysRefused):
        other.put_keys(made.keys)


def test_a_card_with_other_keys_is_foreign_locked_or_not(
    card: VirtualCard, made: Kit, dialect: Dialect
) -> None:
    made.personalise(dialect)
    assert dialect.identify(OTHER_KEYS).kind == CardKind.FOREIGN
    assert dialect.identify(KEYS).kind == CardKind.OURS_LOCKED


def test_a_blank_card_locked_too_early_is_not_blank(card: VirtualCard, dialect: Dialect) -> None:
    dialect.identify(KEYS)
    dialect.lock()
    assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_a_keyless_card_that_holds_a_sod_is_not_blank(card: VirtualCard, dialect: Dialect) -> None:
    dialect.identify(KEYS)
    dialect.write_file(0x011D, made_up(40), unheard)
    assert dialect.identify(KEYS).kind == CardKind.FOREIGN


def test_an_unlocked_card_does_not_pass_for_locked(card: VirtualCard, made: Kit, dialect: Dialect) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    for fid, content in made.files.items():
        dialect.write_file(fid, content, unheard)
    with pytest.raises(NotLocked, match="personalisation_refused"):
        dialect.prove_locked(made.keys)
    assert dialect.identify(KEYS).kind == CardKind.OURS
    assert dialect.read_file(COM, 100, unheard) == made.files[COM]


def test_a_chip_with_another_private_key_is_not_genuine(
    card: VirtualCard, made: Kit, dialect: Dialect
) -> None:
    made.personalise(dialect)
    another = private(ec.generate_private_key(ec.SECP256R1()))
    for keys in (replace(made.keys, aa=another), replace(made.keys, ca=another)):
        dialect.identify(KEYS)
        with pytest.raises(NotGenuine):
            dialect.prove_locked(keys)


def test_a_chip_that_was_given_another_private_key_is_not_genuine(
    card: VirtualCard, made: Kit, dialect: Dialect
) -> None:
    """What it holds is asked, not what DG14 and DG15 say."""
    assert made.keys.ca is not None
    another = private(ec.generate_private_key(curve_of(made.keys.ca)))
    dialect.identify(KEYS)
    dialect.put_keys(replace(made.keys, ca=another))
    made.finish(dialect)
    with pytest.raises(NotGenuine):
        dialect.prove_locked(made.keys)


def test_the_chip_proves_its_keys_before_the_lock_and_is_read_on_in_their_channel(
    card: VirtualCard, made: Kit, dialect: Dialect
) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    for fid, content in made.files.items():
        dialect.write_file(fid, content, unheard)
    assert dialect.prove_keys(made.keys) == ("active_authentication", "chip_authentication")
    before = dialect.apdus
    assert dialect.read_file(COM, 100, unheard) == made.files[COM]
    assert dialect.apdus - before < 6, "no PACE again: the channel of Chip Authentication goes on"
    with pytest.raises(NotGenuine):
        dialect.prove_keys(replace(made.keys, aa=private(ec.generate_private_key(ec.SECP256R1()))))


def test_a_kind_that_proves_nothing_before_its_lock_is_not_asked(
    card: VirtualCard, made: Kit, reader: VirtualReader
) -> None:
    profile = replace(made.profile, proof_before_lock=False)
    dialect = open_dialect(profile, reader, MasterKeys(), BlockMemory())
    made.personalise(dialect)
    before = dialect.apdus
    assert dialect.prove_keys(made.keys) == ()
    assert dialect.apdus == before
    assert "chip_authentication" in dialect.prove_locked(made.keys)


def test_after_the_lock_nothing_is_written_and_guarded_files_are_closed(
    card: VirtualCard, made: Kit, dialect: Dialect
) -> None:
    made.personalise(dialect)
    dialect.identify(KEYS)
    with pytest.raises(ConditionsNotSatisfied, match="6985"):
        dialect.write_file(0x0101, made.files[0x0101], unheard)
    with pytest.raises(ConditionsNotSatisfied):
        dialect.put_keys(made.keys)
    with pytest.raises(ConditionsNotSatisfied):
        dialect.read_file(DG3, 10, unheard)


def test_a_guarded_file_is_read_by_the_issuer_only(
    card: VirtualCard, made: Kit, dialect: Dialect, reader: VirtualReader
) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    dialect.write_file(DG3, made.files[DG3], unheard)
    assert dialect.guarded == {0x0103, 0x0104}
    moved: list[int] = []
    assert dialect.read_file(DG3, 700, moved.append) == made.files[DG3][:700]
    assert sum(moved) == 700
    assert dialect.read_file(DG3, 5000, unheard) == made.files[DG3]
    assert dialect.read_file(0x0104, 10, unheard) is None
    with pytest.raises(CardRefused, match="6982"):
        open_card(reader, KEYS).read(DG3, 10, unheard)


def test_writing_may_start_again(card: VirtualCard, made: Kit, dialect: Dialect) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    for content in (made_up(9000), made_up(9000, "again"), made_up(8500, "less")):
        dialect.write_file(0x010D, content, unheard)
        assert dialect.read_file(0x010D, 9000, unheard) == content


def test_a_file_that_is_not_there_reads_as_none(card: VirtualCard, made: Kit, dialect: Dialect) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    assert dialect.read_file(0x0101, 10, unheard) is None


@pytest.mark.parametrize("extended", [0, 1000, 4000, 65535])
def test_blocks_are_as_large_as_the_card_takes(made: Kit, reader: VirtualReader, extended: int) -> None:
    card = blank_card(kind=made.name, extended=extended)
    reader.put(card)
    dialect = made.open(reader)
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    moved: list[int] = []
    dialect.write_file(0x0102, made_up(9000), moved.append)
    assert sum(moved) == 9000
    assert dialect.block_bytes == {0: 239, 1000: 959, 4000: 3967, 65535: 4000}[extended]
    assert dialect.read_file(0x0102, 9000, unheard) == made_up(9000)


def test_a_size_that_the_card_rejects_is_not_tried_on_the_next(made: Kit, reader: VirtualReader) -> None:
    """The ATR and EF.ATR/INFO of this card say nothing true: it takes 500 bytes at most."""
    memory = BlockMemory()
    apdus = []
    for _ in range(2):
        card = blank_card(kind=made.name, extended=4000)
        card._transport.largest = 500
        reader.put(card)
        dialect = made.open(reader, memory=memory)
        dialect.identify(KEYS)
        dialect.put_keys(made.keys)
        dialect.write_file(0x0102, made_up(3000), unheard)
        assert dialect.read_file(0x0102, 3000, unheard) == made_up(3000)
        apdus.append(dialect.apdus)
    assert apdus[1] < apdus[0]


@pytest.mark.parametrize("size", [1, 200, 254, 255, 256, 4000, 9000])
def test_progress_adds_up_to_the_bytes_moved(
    card: VirtualCard, made: Kit, dialect: Dialect, size: int
) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    written: list[int] = []
    read: list[int] = []
    dialect.write_file(0x0102, made_up(size), written.append)
    assert dialect.read_file(0x0102, size, read.append) == made_up(size)
    assert sum(written) == sum(read) == size
    assert min(written) > 0


def test_a_card_survives_being_saved_and_loaded(
    reader: VirtualReader, card: VirtualCard, made: Kit, dialect: Dialect
) -> None:
    made.personalise(dialect)
    reader.put(VirtualCard.from_bytes(card.to_bytes()))
    again = made.open(reader)
    assert again.identify(KEYS).kind == CardKind.OURS_LOCKED
    assert again.read_file(0x0102, 9000, unheard) == made.files[0x0102]


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("aes", [128, 256])
def test_every_level_and_key_length_personalises(
    reader: VirtualReader, made: Kit, level: Level, aes: int
) -> None:
    master = bytes(range(aes // 8))
    words = Scp03Words(0x30, level, aes)
    profile = replace(made.profile, scp03=words, guarded=frozenset())
    plain = replace(made, files={fid: data for fid, data in made.files.items() if fid != DG3})
    reader.put(blank_card(kind=made.name, master=master))
    dialect = open_dialect(profile, reader, MasterKeys(master), BlockMemory())
    plain.personalise(dialect)
    assert "chip_authentication" in dialect.prove_locked(made.keys)


def test_keys_of_another_length_than_the_profile_says_are_not_used(reader: VirtualReader, made: Kit) -> None:
    master = bytes(range(32))
    reader.put(blank_card(kind=made.name, master=master))
    with pytest.raises(KeyStoreError, match="AES-256"):
        made.open(reader, MasterKeys(master)).identify(KEYS)


def test_a_key_that_the_dialect_does_not_take_is_refused_before_the_card_is_touched(
    reader: VirtualReader, card: VirtualCard, made: Kit
) -> None:
    profile = replace(made.profile, keys=frozenset({"can"}))
    dialect = open_dialect(profile, reader, MasterKeys(), BlockMemory())
    dialect.identify(KEYS)
    before = card.apdus
    with pytest.raises(ValueError, match="takes no key"):
        dialect.put_keys(made.keys)
    assert card.apdus == before


def test_without_a_key_store_nothing_is_opened(reader: VirtualReader, made: Kit) -> None:
    with pytest.raises(KeyStoreError):
        open_dialect(made.name, reader, None, BlockMemory())


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_has_its_dialect(reader: VirtualReader, name: str) -> None:
    assert kit(name).open(reader).name == name
