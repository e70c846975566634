from __future__ import annotations

import pytest
from support.chip import CHIP_KEYS, FILES, KEYS, OTHER_KEYS, made_up, personalise, unheard

from drivers.chip.dialects.lds_plain import LdsPlain
from drivers.chip.errors import (
    AccessRefused,
    FileNotFound,
    MalformedData,
    SecurityStatusNotSatisfied,
    WrongLength,
)
from drivers.chip.lds import Blocks, Ef, open_lds
from drivers.errors import UserRetry
from drivers.virtual.card import VirtualCard, VirtualReader, blank_card, foreign_card


def reader_with(content: bytes | None = None, bare_errors: bool = False) -> VirtualReader:
    """An operational card on an open reader; `content` stands in DG13."""
    reader = VirtualReader().__enter__()
    reader.put(blank_card(bare_errors))
    dialect = LdsPlain(reader)
    if content is not None:
        dialect.identify(KEYS)
        dialect.put_keys(CHIP_KEYS)
        dialect.write_file(Ef.DG13, content, unheard)
        dialect.lock()
    else:
        personalise(dialect)
    reader.connect()
    return reader


def test_each_file_is_read_by_the_length_it_states() -> None:
    files = open_lds(reader_with(), KEYS)
    for fid, content in FILES.items():
        assert files.read_object(fid) == content


def test_a_file_longer_than_its_object_gives_the_object() -> None:
    files = open_lds(reader_with(b"\x6d\x03abc" + bytes(20)), KEYS)
    assert files.read_object(Ef.DG13) == b"\x6d\x03abc"


@pytest.mark.parametrize(
    "content",
    [
        b"\x6d\x82\x7f\xff" + bytes(50),  # claims more than any file
        b"\x6d\x81\x90" + bytes(50),  # claims more than this one
        b"\x6d\x80" + bytes(50),  # indefinite
        b"\x6d\x84\x00\x00\x00\x01" + bytes(50),
        bytes(50),  # never written
        b"\x6d",
    ],
)
def test_a_length_that_cannot_be_is_refused(content: bytes) -> None:
    files = open_lds(reader_with(content), KEYS)
    with pytest.raises(MalformedData):
        files.read_object(Ef.DG13)


def test_the_callers_limit_holds() -> None:
    files = open_lds(reader_with(), KEYS)
    with pytest.raises(MalformedData, match="allowed are 1000"):
        files.read_object(Ef.DG2, limit=1000)


@pytest.mark.parametrize("bare_errors", [False, True])
@pytest.mark.parametrize("first", [256, 224])
def test_blocks_fall_back_to_what_the_card_can_send_and_stay_there(first: int, bare_errors: bool) -> None:
    """256 brings nothing from this card, 224 is refused; either way the next smaller size is used."""
    blocks = Blocks((first, 223, 100))
    files = open_lds(reader_with(bare_errors=bare_errors), KEYS, blocks)
    assert files.read_object(Ef.DG2) == FILES[Ef.DG2]
    assert blocks.size == 223


def test_a_card_that_takes_no_size_is_refused_at_last() -> None:
    files = open_lds(reader_with(), KEYS, Blocks((225, 224)))
    with pytest.raises(WrongLength):
        files.read_object(Ef.DG2)


def test_guarded_and_missing_files_say_so() -> None:
    reader = VirtualReader().__enter__()
    reader.put(blank_card())
    dialect = LdsPlain(reader)
    dialect.identify(KEYS)
    dialect.put_keys(CHIP_KEYS)
    dialect.write_file(Ef.DG3, made_up(100), unheard)
    files = open_lds(reader, KEYS)
    with pytest.raises(SecurityStatusNotSatisfied):
        files.read_object(Ef.DG3)
    with pytest.raises(FileNotFound):
        files.read_object(Ef.DG15)


def test_other_keys_and_other_cards_do_not_open() -> None:
    reader = reader_with()
    with pytest.raises(AccessRefused):
        open_lds(reader, OTHER_KEYS)
    reader.put(foreign_card())
    reader.connect()
    with pytest.raises(FileNotFound):
        open_lds(reader, KEYS)


def test_a_card_lifted_while_it_is_read_asks_to_be_held_still() -> None:
    reader = VirtualReader().__enter__()
    card: VirtualCard = blank_card()
    reader.put(card)
    personalise(LdsPlain(reader))
    reader.connect()
    files = open_lds(reader, KEYS)
    card.lift_after(apdus=4)
    with pytest.raises(UserRetry, match="hold_card_still"):
        files.read_object(Ef.DG2)
