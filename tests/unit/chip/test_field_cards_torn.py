"""Each field card under its dialect, torn at each APDU of its making, and finished when it comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from support.chip import lds_file
from support.dialects import FIELD, KEYS, Kit, kit

from drivers.chip.dialects import CardKind, Dialect
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader

When = Literal["before", "after"]
GUARDS = 0x0103, 0x0102, 0x0101, 0x011E, 0x011D


def quick(name: str) -> Kit:
    """Read through BAC, without the keys of the chip: PACE and its curves take most of the time."""
    whole = kit(name)
    files = {fid: whole.files[fid] for fid in GUARDS}
    return replace(
        whole, keys=replace(whole.keys, aa=None, ca=None), files={**files, 0x0102: lds_file(0x75, 5000)}
    )


def make(reader: VirtualReader, card: VirtualCard, made: Kit) -> None:
    """From whatever state to proven locked, as often as the card is torn away on the way."""
    while True:
        reader.put(card)
        try:
            return go_on(made.open(reader), made)
        except UserRetry as left:
            assert left.reason == "hold_card_still"


def go_on(dialect: Dialect, made: Kit) -> None:
    kind = dialect.identify(KEYS).kind
    assert kind is not CardKind.FOREIGN
    if kind is not CardKind.OURS_LOCKED:
        dialect.put_keys(made.keys)
        made.finish(dialect)
    dialect.prove_locked(made.keys)


def demand_whole(reader: VirtualReader, made: Kit) -> None:
    dialect = made.open(reader)
    assert dialect.identify(KEYS).kind is CardKind.OURS_LOCKED
    for fid, content in made.files.items():
        if fid not in dialect.guarded:
            assert dialect.read_file(fid, len(content), lambda _: None) == content


def tear_at_every(step: int, made: Kit, when: When) -> int:
    """Tear a card at each so-many-th APDU of its making; return how many there are."""
    with VirtualReader() as reader:
        card = made.blank()
        make(reader, card, made)
        for at in range(0, card.apdus, step):
            torn = made.blank()
            torn.tear(at, when)
            make(reader, torn, made)
            demand_whole(reader, made)
    return card.apdus


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", FIELD)
def test_a_card_torn_at_any_apdu_is_finished_when_it_comes_back(name: str, when: When) -> None:
    assert tear_at_every(1, quick(name), when) > 50


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_card_that_makes_no_file_twice_is_finished_as_well(when: When) -> None:
    assert tear_at_every(3, replace(quick("iso7816-scp03"), recreates=False), when) > 50


@pytest.mark.parametrize("name", FIELD)
def test_with_pace_and_the_chips_keys_it_is_the_same(name: str) -> None:
    assert tear_at_every(7, kit(name), "after") > 80


@pytest.mark.parametrize("name", FIELD)
def test_a_card_torn_away_again_and_again_is_finished_at_last(name: str) -> None:
    made = quick(name)
    with VirtualReader() as reader:
        card = made.blank()
        for at in (5, 9, 14, 20, 27, 35, 44):
            card.tear(at, "after")
            reader.put(card)
            with pytest.raises(UserRetry):
                go_on(made.open(reader), made)
            card = VirtualCard.from_bytes(card.to_bytes())
        make(reader, card, made)
        demand_whole(reader, made)
