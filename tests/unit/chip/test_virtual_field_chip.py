"""The field's chips: what lies outside the application, who reads what, how long an APDU may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.channels import open_channel
from support.chip import FILES, KEYS, made_up
from support.operational_card import PACE_AES_128, Air, chip_of, operational_card

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging
from drivers.virtual.card import VirtualCard

SELECT = "00A4040C07A0000002471001"
ACCESS = PACE_AES_128.hex().upper() + "9000"
DIRECTORY = "61094F07A00000024710019000"
LONG = made_up(3000)
LONG_FILE = {**FILES, 0x0102: LONG, 0x0103: made_up(50)}


def say(card: VirtualCard, *apdus: str) -> str:
    *before, last = apdus
    for apdu in before:
        assert card.transmit(bytes.fromhex(apdu))[-2:] == b"\x90\x00", apdu
    return card.transmit(bytes.fromhex(last)).hex().upper()


def opened(card: VirtualCard) -> SecureMessaging:
    return open_channel(Plain(Air(card)), KEYS)


def read(channel: SecureMessaging, ne: int, offset: int = 0) -> ResponseApdu:
    extended = ne > 256
    return channel.send(
        CommandApdu(Ins.READ_BINARY, offset >> 8, offset & 0xFF, ne=ne, extended=extended), 0.5
    )


def select(channel: SecureMessaging, fid: int) -> int:
    return channel.send(CommandApdu(Ins.SELECT, 0x02, 0x0C, fid.to_bytes(2, "big"))).sw


@pytest.mark.parametrize(
    ("apdus", "answer"),
    [
        (("00A4000C023F00",), "6D00"),  # SELECT MF, as in the field
        (("00A40000",), "6D00"),
        (("00A4020C02011C", "00B0000000"), ACCESS),
        (("00B09C0000",), ACCESS),
        (("00B09C0000", "00B0000002"), "31149000"),  # the SFI made it current
        (("00A4020C022F00", "00B0000000"), DIRECTORY),
        (("00B09E0000",), DIRECTORY),
        (("00A4020C022F01", "00B0000000"), "47039421E07F660802020FA002020FA09000"),
        (("00B0810003",), "4703949000"),
        (("00A4020C020101",), "6A82"),  # a file of the application
        (("00A4020C02011D",), "6A82"),
        (("00B0000001",), "6986"),
        (("00B09D0001",), "6A82"),
        (("0084000008",), "6D00"),  # BAC is the application's
        (("00A4040C07A0000002471002",), "6A82"),
        (("00A4020002011C",), "6A86"),
        (("00A4020C03011C00",), "6700"),
        (("00B09C0000", "00B0001601"), "6B00"),
        (("00B09C0000", "00B0001504"), "0D6282"),
        (("00B09C00",), "6700"),
        (("0CB09C000D97010E8E08000000000000000000",), "6882"),
        (("01B09C0001",), "6881"),
        (("C0B09C0001",), "6E00"),
        ((SELECT, "00A4020C02011C"), "6982"),  # EF.CardAccess lies outside
        ((SELECT, "00B09C0001"), "6982"),
        ((SELECT, "00A4020C022F01"), "6982"),
        ((SELECT, "00A4020C020101"), "6982"),
        ((SELECT, "00A4020C020199"), "6982"),  # not even whether there is such a file
        ((SELECT, "00B0810001"), "6982"),
        ((SELECT, "00B0990001"), "6982"),
        ((SELECT, "00B0000001"), "6986"),
        ((SELECT, "00A4000C023F00"), "6D00"),
        ((SELECT, "00D60000021234"), "6985"),
    ],
)
def test_in_the_clear(apdus: tuple[str, ...], answer: str) -> None:
    assert say(operational_card(), *apdus) == answer


def test_a_refused_select_leaves_nothing_to_read() -> None:
    card = operational_card()
    assert say(card, "00A4020C02011C", "00A4020C020101") == "6A82"
    assert say(card, "00B0000001") == "6986"


def test_a_reset_leaves_the_application() -> None:
    card = operational_card()
    say(card, SELECT)
    card.power_on()
    assert say(card, "00B0810003") == "4703949000"


def test_in_the_channel_everything_but_the_guarded_is_read() -> None:
    channel = opened(operational_card(LONG_FILE))
    for fid in FILES:
        assert select(channel, fid) == Sw.OK
        assert read(channel, 4).data == LONG_FILE[fid][:4]
    assert select(channel, 0x0103) == Sw.OK
    assert read(channel, 1).sw == 0x6982  # wants Terminal Authentication
    assert select(channel, 0x0199) == 0x6A82
    for outside in (0x2F00, 0x2F01, 0x011C):
        assert select(channel, outside) == 0x6A82
    assert channel.send(CommandApdu(Ins.READ_BINARY, 0x9C, ne=1)).sw == 0x6A82
    assert channel.send(CommandApdu(Ins.SELECT, 0x00, 0x0C, b"\x3f\x00")).sw == 0x6D00


@pytest.mark.parametrize(
    ("extended", "ne", "given"),
    [
        (0, 223, 223),
        (0, 224, 0x6700),
        (0, 256, 223),  # Le 00: as much as fits
        (1000, 975, 975),
        (1000, 976, 0x6700),
        (1000, 65536, 975),
        (4000, 65536, 3000),
        (65535, 65536, 3000),
        (65535, 3000, 3000),
    ],
)
def test_an_answer_is_as_long_as_the_card_can_send(extended: int, ne: int, given: int) -> None:
    channel = opened(operational_card(LONG_FILE, extended=extended))
    select(channel, 0x0102)
    answer = read(channel, ne)
    if given == 0x6700:
        assert (answer.sw, answer.data) == (0x6700, b"")
        assert read(channel, 1).sw == Sw.OK  # and the channel lives
    else:
        assert answer == ResponseApdu(LONG[:given], 0x9000)


def test_a_file_shorter_than_asked_for_comes_with_a_warning() -> None:
    channel = opened(operational_card(LONG_FILE))
    select(channel, 0x0102)
    assert read(channel, 100, 2950) == ResponseApdu(LONG[2950:], 0x6282)
    assert read(channel, 256, 2950) == ResponseApdu(LONG[2950:], 0x9000)
    assert read(channel, 1, 3000).sw == 0x6B00
    assert channel.send(CommandApdu(Ins.READ_BINARY, 0x82, 0x10, ne=4)).data == LONG[16:20]


def test_a_card_that_ends_its_session_with_every_error_says_so_in_the_clear() -> None:
    card = operational_card(bare_errors=True)
    channel = opened(card)
    air = Air(card)
    assert channel.send(CommandApdu(Ins.SELECT, 0x02, 0x0C, b"\x01\x99")).sw == 0x6A82
    assert chip_of(card).chip.channel is None
    assert air.transmit(bytes.fromhex("0CB000000D9701018E08") + bytes(9)) == b"\x68\x82"


@pytest.mark.parametrize(
    ("extended", "apdu", "sw"),
    [
        (0, "00B0000000000A", "6700"),
        (1000, "00B0000000000A", "6986"),
        (1000, "00D600000003DF" + "00" * 991, "6985"),  # 998 bytes
        (1000, "00D600000003E2" + "00" * 994, "6700"),  # 1001 bytes
    ],
)
def test_commands_as_long_as_it_says(extended: int, apdu: str, sw: str) -> None:
    assert say(operational_card(extended=extended), SELECT, apdu) == sw


CHAIN = {
    "whole": (("10A4040C04A0000002", "00A4040C03471001"), "9000"),
    "of one link": ((SELECT,), "9000"),
    "broken by another command": (("10A4040C04A0000002", "00B09C0001"), "6883"),
    "broken by other parameters": (("10A4040C04A0000002", "00A4020C03471001"), "6883"),
    "broken by a step of PACE": (("10A4040C04A0000002", "10860000027C0000"), "6883"),
    "broken, then anew": (("10A4040C04A0000002", "10A4040C04A0000002", "00A4040C03471001"), "6A82"),
}


@pytest.mark.parametrize("what", CHAIN)
def test_a_chain(what: str) -> None:
    apdus, answer = CHAIN[what]
    assert say(operational_card(), *apdus) == answer


def test_a_chain_has_an_end_and_a_reset_forgets_it() -> None:
    card = operational_card()
    link = "10D60000FF" + "00" * 255
    for _ in range(16):
        assert say(card, link) == "9000"
    assert say(card, link) == "6700"
    say(card, "10A4040C04A0000002")
    card.power_on()
    assert say(card, "00B0810003") == "4703949000"


def test_a_protected_command_may_come_in_links() -> None:
    """Cut on the wire, below secure messaging: the MAC is over the command as it is when whole."""
    card = operational_card(LONG_FILE, extended=0)
    air = Air(card)
    channel = open_channel(Plain(Cut(air)), KEYS)
    assert select(channel, 0x0102) == Sw.OK
    assert read(channel, 200).data == LONG[:200]
    assert any(command[0] == 0x1C for command, _ in air.said)


class Cut:
    """A link that sends every protected command in two."""

    def __init__(self, air: Air) -> None:
        self._air = air

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        if apdu[0] != 0x0C:
            return self._air.transmit(apdu)
        data = apdu[5 : 5 + apdu[4]]
        first = self._air.transmit(bytes((0x1C, *apdu[1:4], 5)) + data[:5])
        assert first == b"\x90\x00"
        return self._air.transmit(bytes((*apdu[:4], len(data) - 5)) + data[5:] + b"\0")


def test_limits_and_files_survive_being_saved() -> None:
    card = operational_card(LONG_FILE, extended=1000)
    again = VirtualCard.from_bytes(card.to_bytes())
    assert again.to_bytes() == card.to_bytes()
    assert again.power_on() == card.atr
    assert say(again, "00B0810000") == say(card, "00B0810000")
    channel = opened(again)
    select(channel, 0x0102)
    assert len(read(channel, 65536).data) == 975


@given(st.lists(st.binary(max_size=40), max_size=8), st.booleans())
def test_any_bytes_get_status_bytes(apdus: list[bytes], inside: bool) -> None:
    card = operational_card()
    if inside:
        card.transmit(bytes.fromhex(SELECT))
    for apdu in apdus:
        assert card.transmit(apdu)[-2] >> 4 in (6, 9)


@given(
    st.sampled_from([0x00, 0x0C, 0x10, 0x1C, 0x80]),
    st.sampled_from([0x22, 0x82, 0x84, 0x86, 0x88, 0xA4, 0xB0, 0xCA]),
    st.sampled_from([0x0000, 0xC1A4, 0x41A4, 0x41A6, 0x020C, 0x9C00]),
    st.binary(max_size=60),
)
def test_any_data_gets_status_bytes(cla: int, ins: int, p1p2: int, data: bytes) -> None:
    card = operational_card()
    for select_first in (False, True):
        if select_first:
            card.transmit(bytes.fromhex(SELECT))
        body = bytes((len(data),)) + data if data else b""
        assert card.transmit(bytes((cla, ins)) + p1p2.to_bytes(2, "big") + body + b"\0")[-2] >> 4 in (6, 9)
