"""Cards that answer 6A89 to CREATE FILE of a file that is there (ISO/IEC 7816-4:2020, table 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.chip import made_up
from support.dialects import CARD_ACCESS, DG3, KEYS, Kit, kit, unheard
from support.issuer_desk import Desk, content
from support.operational_card import chip_of

from drivers.chip.blocks import BlockMemory
from drivers.chip.errors import NotEnoughSpace
from drivers.virtual.card import VirtualReader, blank_card

MAKE_100 = bytes.fromhex("62168002006482010183020101880108 8A01018C0303FF40")


@pytest.fixture
def made() -> Kit:
    return replace(kit("iso7816-scp03"), recreates=False)


def test_such_a_card_keeps_the_file_that_is_there() -> None:
    desk = Desk("iso7816-scp03")
    desk.card = blank_card(kind="iso7816-scp03", recreates=False)
    desk.restart()
    desk.open()
    desk.host.send("00E00000", MAKE_100)
    desk.host.send("00D60000", content(100))
    assert desk.host.refused("00E00000", MAKE_100) == 0x6A89
    desk.host.send("00A4020C", b"\x01\x01")
    assert desk.host.read(0, le=255) == content(100)
    assert desk.host.refused("00D60063", b"12") == 0x6A84


@pytest.mark.parametrize("fid", [0x0102, DG3, CARD_ACCESS, 0x011D])
@pytest.mark.parametrize("size", [1, 500, 9000])
def test_a_file_that_is_there_is_written_over(made: Kit, reader: VirtualReader, fid: int, size: int) -> None:
    """Guarded or free, inside or outside the application."""
    card = made.blank()
    reader.put(card)
    dialect = made.open(reader)
    dialect.identify(KEYS)
    old, new = (made_up(size, each) for each in ("old", "new"))
    for whole in (old, new):
        dialect.write_file(fid, whole, unheard)
    assert chip_of(card).chip.files.content(fid) == new


def test_what_was_sent_in_too_large_blocks_is_written_over_in_smaller_ones(
    made: Kit, reader: VirtualReader
) -> None:
    card = made.blank()
    card._transport.largest = 500
    reader.put(card)
    dialect = made.open(reader, memory=BlockMemory())
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    dialect.write_file(0x0102, made_up(3000), unheard)
    assert dialect.read_file(0x0102, 3000, unheard) == made_up(3000)


def test_a_file_that_is_too_small_is_told_and_left_as_it_is(made: Kit, reader: VirtualReader) -> None:
    reader.put(made.blank())
    dialect = made.open(reader)
    dialect.identify(KEYS)
    dialect.put_keys(made.keys)
    dialect.write_file(0x0102, made_up(300), unheard)
    before, blocks = dialect.apdus, dialect.block_bytes
    with pytest.raises(NotEnoughSpace, match=r"EF 0102.*301 bytes"):
        dialect.write_file(0x0102, made_up(301), unheard)
    assert dialect.apdus - before < 6
    assert dialect.block_bytes == blocks
    assert dialect.read_file(0x0102, 400, unheard) == made_up(300)
