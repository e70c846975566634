"""The card side of `store-data`, by hand and with somebody else's host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.foreign_host import OFFER
from support.issuer_desk import ACCESS, AID, CAN, FILES, Desk, content, private_key

from drivers.virtual.card import blank_card

MORE, LAST, SECRET_MORE, SECRET_LAST = 0x08, 0x88, 0x68, 0xE8


@pytest.fixture
def desk() -> Desk:
    opened = Desk("store-data")
    opened.open()
    return opened


def grouping(dgi: int, data: bytes) -> bytes:
    size = len(data)
    length = bytes((size,)) if size < 0xFF else b"\xff" + size.to_bytes(2, "big")
    return dgi.to_bytes(2, "big") + length + data


def store(desk: Desk, dgi: int, data: bytes, block: int = 500, secret: bool = False) -> None:
    whole = grouping(dgi, data)
    blocks = [whole[at : at + block] for at in range(0, len(whole), block)]
    for number, part in enumerate(blocks):
        p1 = MORE | (0x80 if number == len(blocks) - 1 else 0) | (0x60 if secret else 0)
        desk.host.send(f"80E2{p1:02X}{number:02X}", part)


@pytest.mark.parametrize(("extended", "block"), [(True, 1000), (True, 2900), (False, 231), (False, 97)])
def test_somebody_elses_host_makes_a_whole_card(extended: bool, block: int) -> None:
    desk = Desk("store-data", extended)
    aa, ca = (desk.key_object(tag, private_key()) for tag in (0x64, 0x65))
    desk.open()
    for dgi, whole in ((0x62, ACCESS), (0x63, CAN), (0x64, aa), (0x65, ca)):
        store(desk, dgi, whole, block, secret=dgi in (0x64, 0x65))
    for fid, data in FILES.items():
        store(desk, fid, data, block)
    desk.restart()
    desk.open()
    for fid, data in FILES.items():
        assert desk.issuer_reads(fid) == data
    desk.host.send("80F0400F", AID)
    desk.restart()
    assert desk.plain("00A4020C02011C") == "9000"
    assert desk.plain("00B0000000") == FILES[0x011C].hex().upper() + "9000"


# --- what remains unfinished leaves nothing ---


def lose_power(desk: Desk) -> None:
    desk.power()
    desk.open()


def move_to_another_process(desk: Desk) -> None:
    desk.restart()
    desk.open()


def select_again(desk: Desk) -> None:
    desk.open()


def open_a_new_session(desk: Desk) -> None:
    desk.plain(OFFER.hex())
    desk.open()


def begin_another(desk: Desk) -> None:
    desk.host.send("80E20800", grouping(0x0102, content(50))[:20])


def spoil_a_block(desk: Desk) -> None:
    assert desk.host.refused("80E20805", content(10)) == 0x6A86


@pytest.mark.parametrize(
    "stop",
    [lose_power, move_to_another_process, select_again, open_a_new_session, begin_another, spoil_a_block],
)
def test_an_unfinished_grouping_leaves_the_old_file(desk: Desk, stop: Callable[[Desk], None]) -> None:
    store(desk, 0x0101, FILES[0x0101])
    whole = grouping(0x0101, content(95, 9))
    desk.host.send("80E20800", whole[:40])
    desk.host.send("80E20801", whole[40:80])
    stop(desk)
    assert desk.host.refused("80E28802", whole[80:]) == 0x6A86
    assert desk.issuer_reads(0x0101) == FILES[0x0101]


def test_the_first_grouping_of_a_file_makes_it_or_nothing(desk: Desk) -> None:
    whole = grouping(0x0101, FILES[0x0101])
    desk.host.send("80E20800", whole[:40])
    assert desk.host.refused("00A4020C", b"\x01\x01") == 0x6A82
    desk.host.send("80E28801", whole[40:])
    assert desk.issuer_reads(0x0101) == FILES[0x0101]


def test_a_grouping_goes_on_where_something_was_read_meanwhile(desk: Desk) -> None:
    store(desk, 0x0101, FILES[0x0101])
    whole = grouping(0x011E, FILES[0x011E])
    desk.host.send("80E20800", whole[:10])
    assert desk.issuer_reads(0x0101) == FILES[0x0101]
    desk.host.send("80E28801", whole[10:])


def test_a_grouping_may_be_begun_again_at_once(desk: Desk) -> None:
    desk.host.send("80E20800", grouping(0x0101, FILES[0x0101])[:40])
    store(desk, 0x0101, FILES[0x0101], block=40)
    assert desk.issuer_reads(0x0101) == FILES[0x0101]


# --- the order and the lengths of blocks ---


@pytest.mark.parametrize("number", [0x02, 0x03, 0xFF])
def test_another_block_number_is_refused(desk: Desk, number: int) -> None:
    whole = grouping(0x0101, FILES[0x0101])
    desk.host.send("80E20800", whole[:40])
    assert desk.host.refused(f"80E208{number:02X}", whole[40:60]) == 0x6A86
    assert desk.host.refused("80E28801", whole[40:]) == 0x6A86


@pytest.mark.parametrize("p1", [0x00, 0x80, 0x10, 0x18, 0x28, 0x48, 0x09, 0x8C, 0xFF])
def test_other_structures_and_ciphers_are_refused(desk: Desk, p1: int) -> None:
    assert desk.host.refused(f"80E2{p1:02X}00", grouping(0x0101, b"x")) == 0x6A86


@pytest.mark.parametrize(
    ("p1", "block", "sw"),
    [
        pytest.param(LAST, grouping(0x0101, b"abc")[:-1], 0x6A80, id="less than it says"),
        pytest.param(LAST, grouping(0x0101, b"abc") + b"d", 0x6A80, id="more than it says"),
        pytest.param(LAST, grouping(0x0101, b"abc") * 2, 0x6A80, id="two groupings in one"),
        pytest.param(MORE, grouping(0x0101, b"abc"), 0x6A80, id="whole and not the last"),
        pytest.param(LAST, b"\x01\x01\xff\x00\x03abc", 0x6A80, id="a long length for a short value"),
        pytest.param(LAST, b"\x01\x01\x00", 0x6A80, id="no data"),
        pytest.param(MORE, b"\x01\x01\x09", 0x6A80, id="no data yet"),
        pytest.param(LAST, b"\x01\x01", 0x6A80, id="no length"),
        pytest.param(MORE, b"\x01\x01\xff\x10", 0x6A80, id="half a length"),
        pytest.param(MORE, b"\x01\x01\xff\x80\x00a", 0x6A84, id="longer than any file"),
        pytest.param(LAST, grouping(0x0111, b"abc"), 0x6A88, id="no file of the LDS"),
        pytest.param(LAST, grouping(0x2F01, b"abc"), 0x6A88, id="the card's own file"),
        pytest.param(LAST, grouping(0x0060, b"abc"), 0x6A88, id="no key object"),
        pytest.param(SECRET_LAST, grouping(0x0101, bytes(16)), 0x6A80, id="a file under the DEK"),
        pytest.param(SECRET_LAST, grouping(0x0062, ACCESS), 0x6A80, id="access keys under the DEK"),
        pytest.param(LAST, grouping(0x0064, bytes(16)), 0x6A80, id="a private key in the clear"),
        pytest.param(SECRET_LAST, grouping(0x0064, b"\x64\x10" + bytes(16)), 0x6A80, id="under another key"),
    ],
)
def test_a_block_that_is_not_as_it_says_is_refused(desk: Desk, p1: int, block: bytes, sw: int) -> None:
    assert desk.host.refused(f"80E2{p1:02X}00", block) == sw
    assert desk.host.refused("00A4020C", b"\x01\x01") == 0x6A82
    store(desk, 0x0101, FILES[0x0101])


def test_a_grouping_that_overflows_is_dropped(desk: Desk) -> None:
    whole = grouping(0x0101, FILES[0x0101])
    desk.host.send("80E20800", whole[:40])
    assert desk.host.refused("80E28801", whole[40:] + b"x") == 0x6A80
    assert desk.host.refused("80E28801", whole[40:]) == 0x6A86


def test_a_grouping_does_not_change_its_cipher(desk: Desk) -> None:
    whole = grouping(0x0101, FILES[0x0101])
    desk.host.send("80E20800", whole[:40])
    assert desk.host.refused(f"80E2{SECRET_LAST:02X}01", whole[40:]) == 0x6A86


def test_a_file_may_come_again_and_not_larger(desk: Desk) -> None:
    store(desk, 0x0101, content(95))
    store(desk, 0x0101, content(50, 1))
    store(desk, 0x0101, content(95, 2))
    with pytest.raises(Exception, match="6a84"):
        store(desk, 0x0101, content(96))
    assert desk.issuer_reads(0x0101) == content(95, 2)


def test_more_blocks_than_numbers_are_refused(desk: Desk) -> None:
    with pytest.raises(Exception, match="6a"):
        store(desk, 0x0102, content(600), block=2)


# --- readers, and the lock ---


def test_the_card_gives_each_file_its_readers(desk: Desk) -> None:
    for fid in (0x011C, 0x0101, 0x0103):
        store(desk, fid, FILES[fid])
    desk.power()
    assert desk.plain("00A4020C02011C") == "9000"
    assert desk.plain("00B0000001") == FILES[0x011C][:1].hex().upper() + "9000"
    assert desk.plain("00A4040C07A0000002471001") == "9000"
    for fid in ("0101", "0103"):
        assert desk.plain(f"00A4020C02{fid}") == "6982"


def test_nothing_is_stored_after_the_lock(desk: Desk) -> None:
    store(desk, 0x0101, FILES[0x0101])
    half = grouping(0x0102, content(50))
    desk.host.send("80E20800", half[:20])
    desk.host.send("80F0400F", AID)
    assert desk.host.refused("80E28801", half[20:]) == 0x6985
    assert desk.host.refused("80E28800", grouping(0x0101, b"abc")) == 0x6985
    desk.restart()
    desk.plain("00A4040C07A0000002471001")
    assert desk.plain(OFFER.hex()) == "6985"
    assert desk.plain("80E28800040101017800") == "6985"


def test_a_card_for_which_the_last_block_is_the_end_takes_nothing_after_it() -> None:
    """As EMV's applications do; then the length alone says where a grouping ends."""
    desk = Desk("store-data")
    desk.card = blank_card(kind="store-data", last_block_ends=True)
    desk.restart()
    desk.open()
    whole = grouping(0x0101, FILES[0x0101])
    desk.host.send("80E20800", whole[:40])
    assert desk.host.refused("80E28801", whole[40:-1]) == 0x6A80
    desk.host.send("80E20800", whole[:40])
    desk.host.send("80E20801", whole[40:])
    desk.host.send("80E28800", grouping(0x011E, FILES[0x011E]))
    assert desk.host.refused("80E20800", whole[:40]) == 0x6985


@pytest.mark.parametrize("apdu", ["80E2880004010101AA", "84E288000C010101AA" + "00" * 8])
def test_nothing_is_stored_without_the_channel(apdu: str) -> None:
    desk = Desk("store-data")
    desk.plain("00A4040C07A0000002471001")
    assert desk.plain(apdu) == "6982"


def test_the_other_dialects_words_are_unknown(desk: Desk) -> None:
    for header in ("00E00000", "00D60000", "00DA0062"):
        assert desk.host.refused(header, ACCESS) == 0x6D00
