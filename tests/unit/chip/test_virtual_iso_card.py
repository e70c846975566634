"""The card side of `iso7816-scp03`, by hand and with somebody else's host."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.foreign_host import OFFER
from support.issuer_desk import ACCESS, AID, CAN, FILES, Desk, content, private_key

LOCK = ("80F0400F", AID)


@pytest.fixture
def desk() -> Desk:
    opened = Desk("iso7816-scp03")
    opened.open()
    return opened


def fcp(fid: int, size: int) -> bytes:
    read = {0x011C: 0x00, 0x0103: 0x60, 0x0104: 0x60}.get(fid, 0x40)
    objects = f"8002{size:04X} 820101 8302{fid:04X} 8801{(fid & 0x1F) << 3:02X} 8A0101 8C0303FF{read:02X}"
    return b"\x62\x16" + bytes.fromhex(objects)


def write(desk: Desk, fid: int, data: bytes, block: int = 500) -> None:
    desk.host.send("00E00000", fcp(fid, len(data)))
    desk.host.send("00A4020C", fid.to_bytes(2, "big"))
    for at in range(0, len(data), block):
        desk.host.send(f"00D6{at:04X}", data[at : at + block])


def personalise(desk: Desk, block: int) -> None:
    aa, ca = (desk.key_object(tag, private_key()) for tag in (0x64, 0x65))
    desk.open()
    for tag, whole in ((0x62, ACCESS), (0x63, CAN), (0x64, aa), (0x65, ca)):
        desk.host.send(f"00DA00{tag:02X}", whole)
    for fid, data in FILES.items():
        write(desk, fid, data, block)


@pytest.mark.parametrize(("extended", "block"), [(True, 1000), (True, 2900), (False, 231)])
def test_somebody_elses_host_makes_a_whole_card(extended: bool, block: int) -> None:
    desk = Desk("iso7816-scp03", extended)
    personalise(desk, block)
    desk.restart()
    desk.open()
    for fid, data in FILES.items():
        assert desk.issuer_reads(fid) == data
    desk.host.send(*LOCK)
    desk.restart()
    assert desk.plain("00A4020C02011C") == "9000"
    assert desk.plain("00B0000000") == FILES[0x011C].hex().upper() + "9000"


# --- the lock ---


@pytest.fixture
def locked(desk: Desk) -> Desk:
    write(desk, 0x0101, FILES[0x0101])
    desk.host.send(*LOCK)
    return desk


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ("00E00000", fcp(0x0101, 95)),
        ("00D60000", b"x"),
        ("00DA0062", ACCESS),
        ("80F0400F", AID),
    ],
)
def test_nothing_is_written_after_the_lock_even_in_the_same_session(
    locked: Desk, header: str, data: bytes
) -> None:
    assert locked.host.refused(header, data) == 0x6985


def test_the_issuer_reads_nothing_after_the_lock(locked: Desk) -> None:
    locked.host.send("00A4020C", b"\x01\x01")
    assert locked.host.refused("00B00000", le=255) == 0x6982


def test_no_channel_opens_after_the_lock(locked: Desk) -> None:
    for restart in (locked.power, locked.restart):
        restart()
        assert locked.plain("00A4040C07A0000002471001") == "9000"
        assert locked.plain(OFFER.hex()) == "6985"
        assert locked.plain("8482330010" + "00" * 16) == "6985"
        assert locked.plain("00D600000100") == "6985"
        assert locked.plain("00DA006201FF") == "6985"


@pytest.mark.parametrize(
    ("header", "data", "sw"),
    [
        ("80F0800F", AID, 0x6A86),
        ("80F04007", AID, 0x6A80),
        ("80F0400F", AID[:-1], 0x6A88),
        ("80F0400F", b"", 0x6A88),
    ],
)
def test_another_set_status_locks_nothing(desk: Desk, header: str, data: bytes, sw: int) -> None:
    assert desk.host.refused(header, data) == sw
    write(desk, 0x0101, b"still open")


# --- without the channel ---


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("00E0000018" + fcp(0x0101, 9).hex(), "6982"),
        ("00D6000001FF", "6982"),
        ("00DA00621D" + ACCESS.hex(), "6982"),
        ("80F0400F07" + AID.hex(), "6982"),
        ("84F0400F0FA0000002471001" + "00" * 8, "6982"),
        ("04D600000900" + "00" * 8, "6982"),
        ("80E2880003010100", "6D00"),
    ],
)
def test_nothing_is_written_in_the_clear(apdu: str, sw: str) -> None:
    desk = Desk("iso7816-scp03")
    assert desk.plain("00A4040C07A0000002471001") == "9000"
    assert desk.plain(apdu) == sw


def test_the_channel_is_of_the_application_alone() -> None:
    desk = Desk("iso7816-scp03")
    assert desk.plain(OFFER.hex()) in ("6D00", "6E00", "6985")


def test_selecting_ends_the_session(desk: Desk) -> None:
    assert desk.plain("00A4040C07A0000002471001") == "9000"
    assert desk.host.refused("00E00000", fcp(0x0101, 9)) == 0x6982


def test_a_command_in_the_clear_ends_the_session(desk: Desk) -> None:
    assert desk.plain("80CA9F7F00").endswith("9000")
    assert desk.host.refused("00E00000", fcp(0x0101, 9)) == 0x6982


# --- CPLC ---


def test_anybody_may_ask_which_card_it_is(desk: Desk) -> None:
    desk.power()
    before = desk.plain("80CA9F7F00")
    assert before.startswith("9F7F2A")
    assert len(before) == 2 * (3 + 42 + 2)
    desk.open()
    assert desk.host.send("80CA9F7F", le=256).hex().upper() + "9000" == before
    desk.host.send(*LOCK)
    desk.restart()
    assert desk.plain("80CA9F7F00") == before
    desk.plain("00A4040C07A0000002471001")
    assert desk.plain("80CA9F7F00") == before
    assert desk.plain("80CA9F7F10") == "6C2D"
    assert desk.plain("80CA006600") == "6A88"


def test_each_card_has_a_serial_of_its_own() -> None:
    assert Desk("iso7816-scp03").plain("80CA9F7F00") != Desk("iso7816-scp03").plain("80CA9F7F00")


# --- CREATE FILE ---


def changed(old: str, new: str, fid: int = 0x0101) -> bytes:
    whole = fcp(fid, 0x0123).hex()
    assert old in whole
    body = bytes.fromhex(whole.replace(old, new))[2:]
    return b"\x62" + bytes((len(body),)) + body


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(changed("820101", "820101A50100"), id="an unknown object"),
        pytest.param(changed("8a0101", ""), id="an object too few"),
        pytest.param(changed("8a0101", "8a01018a0101"), id="one object twice"),
        pytest.param(changed("820101", "820102"), id="a record file"),
        pytest.param(changed("820101", "82020141"), id="a descriptor of two bytes"),
        pytest.param(changed("8a0101", "8a0105"), id="active from the start"),
        pytest.param(changed("880108", "880110"), id="another file's SFI"),
        pytest.param(changed("83020101", "83020111"), id="no file of the LDS"),
        pytest.param(changed("83020101", "83022f01"), id="the card's own file"),
        pytest.param(changed("8c0303ff40", "8c0303ff00"), id="free to read"),
        pytest.param(changed("8c0303ff40", "8c03030040"), id="free to write"),
        pytest.param(changed("8c0303ff40", "8c0303ff60"), id="for terminals only"),
        pytest.param(changed("8c0303ff60", "8c0303ff40", fid=0x0103), id="fingers without a guard"),
        pytest.param(changed("8c0303ff00", "8c0303ff40", fid=0x011C), id="CardAccess behind the door"),
        pytest.param(changed("80020123", "800123"), id="a size of one byte"),
        pytest.param(fcp(0x0101, 0), id="no bytes at all"),
        pytest.param(fcp(0x0101, 9)[:-1], id="cut"),
        pytest.param(fcp(0x0101, 9) + b"\0", id="a byte too many"),
        pytest.param(b"\x63" + fcp(0x0101, 9)[1:], id="another template"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_file_that_is_not_of_the_standard_is_not_made(desk: Desk, wrong: bytes) -> None:
    assert desk.host.refused("00E00000", wrong) in (0x6A80,)
    assert desk.host.refused("00A4020C", b"\x01\x01") == 0x6A82


def test_the_order_of_the_objects_does_not_matter(desk: Desk) -> None:
    body = fcp(0x0101, 9)[2:]
    desk.host.send("00E00000", b"\x62\x16" + body[4:] + body[:4])


@pytest.mark.parametrize("size", [0x8000, 0xFFFF])
def test_a_file_no_offset_reaches_is_refused(desk: Desk, size: int) -> None:
    assert desk.host.refused("00E00000", fcp(0x0101, size)) == 0x6A84


def test_a_file_may_come_again_and_not_larger(desk: Desk) -> None:
    write(desk, 0x0101, content(95))
    write(desk, 0x0101, content(50, 1))
    write(desk, 0x0101, content(95, 2))
    assert desk.host.refused("00E00000", fcp(0x0101, 96)) == 0x6A84
    assert desk.issuer_reads(0x0101) == content(95, 2)


def test_a_file_made_again_is_empty(desk: Desk) -> None:
    write(desk, 0x0101, content(95))
    desk.host.send("00E00000", fcp(0x0101, 95))
    assert desk.issuer_reads(0x0101) == bytes(95)


# --- UPDATE BINARY ---


def test_no_byte_is_written_outside_a_file(desk: Desk) -> None:
    desk.host.send("00E00000", fcp(0x0101, 10))
    assert desk.host.refused("00D60000", bytes(11)) == 0x6A84
    assert desk.host.refused("00D60009", bytes(2)) == 0x6A84
    assert desk.host.refused("00D6000A", bytes(1)) == 0x6B00
    assert desk.host.refused("00D68100", bytes(1)) == 0x6A86
    assert desk.host.refused("00D60000") == 0x6700
    desk.host.send("00D60009", bytes(1))


def test_writing_needs_a_file(desk: Desk) -> None:
    assert desk.host.refused("00D60000", b"x") == 0x6986
    assert desk.host.refused("00A4020C", b"\x2f\x01") == 0x6A82


# --- keys ---


@pytest.mark.parametrize(
    ("p2", "whole"),
    [
        (0x62, ACCESS[:-1]),
        (0x62, b"\x63" + ACCESS[1:]),
        (0x63, b"\x63\x0512345"),
        (0x63, b"\x63\x0612345x"),
        (0x64, b"\x64\x10" + bytes(16)),
        (0x64, b"\x64\x0f" + bytes(15)),
        (0x65, b""),
    ],
)
def test_what_is_no_key_is_refused(desk: Desk, p2: int, whole: bytes) -> None:
    assert desk.host.refused(f"00DA00{p2:02X}", whole) == 0x6A80


def test_a_private_key_must_come_under_the_dek_and_on_a_curve_of_its_use(desk: Desk) -> None:
    brainpool = private_key(ec.BrainpoolP256R1)
    objects = {tag: desk.key_object(tag, brainpool) for tag in (0x64, 0x65)}
    p384 = desk.key_object(0x65, private_key(ec.SECP384R1))
    desk.open()
    assert desk.host.refused("00DA0064", objects[0x64]) == 0x6A80
    assert desk.host.refused("00DA0065", p384) == 0x6A80
    assert desk.host.refused("00DA0065", objects[0x64]) == 0x6A80
    assert desk.host.refused("00DA0064", b"\x64\x81\x8a" + private_key()) == 0x6A80
    desk.host.send("00DA0065", objects[0x65])


@pytest.mark.parametrize("p1p2", ["0060", "0061", "0066", "DEAD", "0162"])
def test_other_objects_are_unknown(desk: Desk, p1p2: str) -> None:
    assert desk.host.refused(f"00DA{p1p2}", ACCESS) == 0x6A88
