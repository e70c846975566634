"""EF.CardAccess lies under the master file (Doc 9303-10, 3.11): believed is what a border reads of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.dialects import CARD_ACCESS, COM, KEYS, Kit, MasterKeys, unheard
from support.operational_card import chip_of

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import Dialect
from drivers.chip.dialects.catalog import open_dialect
from drivers.chip.errors import AccessUnsupported
from drivers.chip.security_infos import PaceInfo, encode
from drivers.virtual.card import VirtualCard, VirtualReader
from drivers.virtual.card.field import FieldChip

OTHER = encode((PaceInfo("0.4.0.127.0.7.2.2.4.2.4", 2, 13),))


def hide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chip that has made EF.CardAccess under the application, where no terminal looks for it."""
    lies_here = FieldChip._lies_here

    def misplaced(chip: FieldChip, right: object, fid: int) -> bool:
        return chip._inside if fid == CARD_ACCESS else lies_here(chip, right, fid)  # type: ignore[arg-type]

    monkeypatch.setattr(FieldChip, "_lies_here", misplaced)


def filled(dialect: Dialect, made: Kit) -> None:
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    for fid, content in made.files.items():
        dialect.write_file(fid, content, unheard)


@pytest.mark.usefixtures("card")
def test_card_access_that_no_border_finds_is_not_read_back(
    made: Kit, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch)
    filled(dialect, made)
    assert dialect.read_file(COM, 100, unheard) == made.files[COM]
    assert dialect.protocol == "BAC"
    assert dialect.read_file(CARD_ACCESS, 100, unheard) is None


@pytest.mark.usefixtures("card")
def test_what_opened_the_channel_is_what_is_read_back_without_another_apdu(
    made: Kit, dialect: Dialect
) -> None:
    filled(dialect, made)
    dialect.read_file(COM, 100, unheard)
    before, moved = dialect.apdus, list[int]()
    assert dialect.read_file(CARD_ACCESS, 100, moved.append) == made.files[CARD_ACCESS]
    assert dialect.read_file(CARD_ACCESS, 5, unheard) == made.files[CARD_ACCESS][:5]
    assert sum(moved) == len(made.files[CARD_ACCESS])
    assert dialect.apdus == before


@pytest.mark.usefixtures("card")
def test_a_read_back_is_of_a_channel_opened_after_the_write(made: Kit, dialect: Dialect) -> None:
    filled(dialect, made)
    assert dialect.read_file(CARD_ACCESS, 100, unheard) == made.files[CARD_ACCESS]
    dialect.write_file(CARD_ACCESS, OTHER, unheard)
    assert dialect.read_file(CARD_ACCESS, 100, unheard) == OTHER
    assert "256" in str(dialect.protocol)


@pytest.mark.parametrize("torn", [0, 1, 2, 7, 20])
def test_a_torn_card_access_is_given_as_it_stands(
    card: VirtualCard, made: Kit, dialect: Dialect, torn: int
) -> None:
    """Until the lock: so that it is known for ours, and written again."""
    filled(dialect, made)
    wanted = made.files[CARD_ACCESS]
    left = wanted[:torn] + bytes(len(wanted) - torn)
    chip_of(card).chip.files.put(CARD_ACCESS, left, 0)
    dialect.identify(KEYS)
    found = dialect.read_file(CARD_ACCESS, len(wanted), unheard)
    assert found in (left, left[:2])  # 31 00 is a whole object
    assert dialect.protocol == "BAC"
    dialect.write_file(CARD_ACCESS, wanted, unheard)
    assert dialect.read_file(CARD_ACCESS, len(wanted), unheard) == wanted
    assert str(dialect.protocol).startswith("PACE")


@pytest.mark.parametrize("bare_errors", [False, True])
def test_a_locked_card_that_promises_pace_and_opens_by_bac_is_not_believed(
    card: VirtualCard, made: Kit, dialect: Dialect, monkeypatch: pytest.MonkeyPatch, bare_errors: bool
) -> None:
    """DG14 says what EF.CardAccess must offer; BAC alone would pass for an older card."""
    chip_of(card)._bare_errors = bare_errors
    filled(dialect, made)
    dialect.lock()
    hide(monkeypatch)
    with pytest.raises(AccessUnsupported, match="BAC"):
        dialect.prove_locked(made.keys)


@pytest.mark.parametrize("bare_errors", [False, True])
def test_a_locked_card_that_never_promised_pace_may_open_by_bac(
    card: VirtualCard, made: Kit, dialect: Dialect, bare_errors: bool
) -> None:
    chip_of(card)._bare_errors = bare_errors
    older = replace(made, keys=replace(made.keys, aa=None, ca=None), files={COM: made.files[COM]})
    older.personalise(dialect)
    assert dialect.prove_locked(older.keys)[-1] == "access_opens"
    assert dialect.protocol == "BAC"


@pytest.mark.usefixtures("card")
def test_a_card_that_opened_with_what_its_profile_has_not_is_not_complete(
    made: Kit, dialect: Dialect, reader: VirtualReader
) -> None:
    made.personalise(dialect)
    strict = open_dialect(replace(made.profile, access=("BAC",)), reader, MasterKeys(), BlockMemory())
    with pytest.raises(AccessUnsupported, match="PACE"):
        strict.prove_locked(made.keys)
