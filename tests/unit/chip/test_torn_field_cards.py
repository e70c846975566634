"""Cards of the two field dialects torn anywhere and put down again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from support.dialects import CARD_ACCESS, KEYS, Kit, kit, unheard

from drivers.chip.blocks import BlockMemory
from drivers.chip.dialects import CardKind, Dialect
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader


@pytest.mark.parametrize("at", range(7))  # SELECT, two to authenticate, four keys
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_card_that_opens_has_all_its_keys(
    reader: VirtualReader, made: Kit, dialect: Dialect, at: int, when: str
) -> None:
    """Torn anywhere while keys are put, it is blank or complete: nothing else is told apart later."""
    card = made.blank()
    reader.put(card)
    dialect.identify(KEYS)
    card.tear(at, when)  # type: ignore[arg-type]
    torn = False
    try:
        dialect.put_keys(made.keys)
    except UserRetry:
        torn = True
    reader.put(card)
    kind = dialect.identify(KEYS).kind
    assert kind == CardKind.OURS or torn
    if kind == CardKind.BLANK:
        dialect.put_keys(made.keys)
    made.finish(dialect)
    assert "chip_authentication" in dialect.prove_locked(made.keys)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_card_torn_at_any_apdu_can_be_finished(reader: VirtualReader, made: Kit, when: str) -> None:
    """Tear at every APDU of a personalisation, put the card back, and go on from what it is."""
    at, memory = 0, BlockMemory()
    while _torn_at(at, when, reader, kit(made.name, pace=False), memory):
        at += 1
    assert at > 40


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(3))
def test_a_card_torn_while_it_says_how_to_open_it_is_ours(
    card: VirtualCard, made: Kit, reader: VirtualReader, dialect: Dialect, when: str, at: int
) -> None:
    """EF.CardAccess may be there and empty: such a card opens with BAC until it is locked."""
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    card.tear(at, when)  # type: ignore[arg-type]
    with suppress(UserRetry):
        dialect.write_file(CARD_ACCESS, made.files[CARD_ACCESS], unheard)
        dialect.identify(KEYS)
    reader.put(card)
    _finish(made, dialect)
    assert str(dialect.protocol).startswith("PACE")


def _torn_at(at: int, when: str, reader: VirtualReader, made: Kit, memory: BlockMemory) -> bool:
    """Whether a personalisation was torn there; it is finished then."""
    card = made.blank()
    reader.put(card)
    dialect = made.open(reader, memory=memory)
    card.tear(at, when)  # type: ignore[arg-type]
    try:
        made.personalise(dialect)
    except UserRetry as retry:
        assert retry.reason == "hold_card_still"
    else:
        return False
    reader.put(card)
    _finish(made, dialect)
    return True


def _finish(made: Kit, dialect: Dialect) -> None:
    kind = dialect.identify(KEYS).kind
    assert kind in (CardKind.BLANK, CardKind.OURS, CardKind.OURS_LOCKED)
    if kind == CardKind.BLANK:
        dialect.put_keys(made.keys)
    if kind != CardKind.OURS_LOCKED:
        made.finish(dialect)
    assert "active_authentication" in dialect.prove_locked(made.keys)
    for fid, content in made.files.items():
        if fid not in dialect.guarded:
            assert dialect.read_file(fid, len(content), unheard) == content
