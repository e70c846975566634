"""What a card says about lengths, and what is made of a card that says nothing or nonsense."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import (
    LARGEST_BLOCK,
    BlockMemory,
    Blocks,
    CardType,
    card_type,
    historical_bytes,
    ladder,
    protected_payload,
)
from drivers.chip.errors import CardError, WrongLength
from drivers.chip.lds import LdsFiles
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import AesSuite, SecureMessaging
from drivers.errors import DeviceTimeout

SELECT_INFO = bytes.fromhex("00A4020C022F01")
SHORT_ONLY, EXTENDED = "3B8580018073942100", "3B85800180739421E0"


class Card:
    """Holds EF.ATR/INFO, and refuses all else."""

    def __init__(self, info: bytes = b"", by_sfi: bool = False) -> None:
        self._info, self._by_sfi = info, by_sfi

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        if apdu == SELECT_INFO:
            return b"\x90\x00" if self._info and not self._by_sfi else b"\x6d\x00"
        if self._info and apdu == bytes.fromhex("00B0810000" if self._by_sfi else "00B0000000"):
            return self._info + b"\x62\x82"
        return b"\x69\x86"


def limits(command: int, response: int) -> bytes:
    objects = b"".join(b"\x02\x03" + number.to_bytes(3, "big") for number in (command, response))
    return b"\x7f\x66" + bytes([len(objects)]) + objects


@pytest.mark.parametrize("by_sfi", [False, True])
def test_the_card_says_its_longest_apdus(by_sfi: bool) -> None:
    kind = card_type(Plain(Card(b"\x47\x03\x94\x21\xe0" + limits(1000, 2000), by_sfi)))
    assert (kind.extended, kind.chaining) == (True, True)
    assert (kind.command_bytes, kind.response_bytes) == (1000, 2000)
    assert kind.largest_read == 1967
    assert kind.largest_write == 959
    assert card_type(Plain(Card(limits(65544, 65538)))).largest_read == LARGEST_BLOCK
    nonsense = card_type(Plain(Card(limits(100, 0))))
    assert (nonsense.extended, nonsense.command_bytes) == (None, None)


def test_historical_bytes_tell_of_extended_length() -> None:
    assert card_type(Plain(Card()), bytes.fromhex(SHORT_ONLY)).extended is False
    told = card_type(Plain(Card()), bytes.fromhex(EXTENDED))
    assert (told.extended, told.chaining) == (True, True)
    assert card_type(Plain(Card(b"\x47\x03\x94\x21\x00")), bytes.fromhex(EXTENDED)).extended is False


@pytest.mark.parametrize("bit_rates", range(256))
@pytest.mark.parametrize("application", ["00000000", "00112233", "00007300"])
def test_what_a_reader_of_type_b_makes_of_atqb_says_nothing_of_lengths(
    application: str, bit_rates: int
) -> None:
    """Application data; bit rates, frame size and protocol, options; then a byte of the reader's."""
    atqb = bytes.fromhex(application) + bytes([bit_rates]) + bytes.fromhex("8180")
    kind = card_type(Plain(Card()), bytes.fromhex("3B888001") + atqb + bytes(2))
    assert (kind.extended, kind.chaining) == (None, None)


def test_a_status_behind_the_objects_is_none_of_them() -> None:
    capable = bytes.fromhex("3B8880010073942140059000A5")
    assert card_type(Plain(Card()), capable).extended is True
    cut_off = bytes.fromhex("3B8680010031C0739421A5")
    assert card_type(Plain(Card()), cut_off).extended is None


@pytest.mark.parametrize("info", ["4705942100", "470594210001", "7F6608020203E8020203"])
def test_objects_of_atr_info_that_are_cut_off_say_nothing(info: str) -> None:
    kind = card_type(Plain(Card(bytes.fromhex(info))))
    assert (kind.extended, kind.command_bytes) == (None, None)


ATRS = {
    "3B80800101": "",
    "3B8580018073942100": "8073942100",
    "3BFF1800FF8131FE55006B02090200010101434E5310318089": "006B0209020001010143 4E53103180".replace(" ", ""),
    "3B6500002063CB6800": "2063CB6800",
    "3B1F00": "",
    "3BFFFFFFFF": "",
    "3B": "",
    "": "",
    "3B" + "80" * 40: "",
    "3BF0F0F0F0F0F0F0F0F0F0": "",
}


@pytest.mark.parametrize("atr", ATRS, ids=lambda atr: atr[:12] or "nothing")
def test_historical_bytes_are_found_behind_the_interface_bytes(atr: str) -> None:
    assert historical_bytes(bytes.fromhex(atr)).hex().upper() == ATRS[atr]


@given(st.binary(max_size=40), st.binary(max_size=256))
def test_nonsense_is_nothing_said(atr: bytes, info: bytes) -> None:
    kind = card_type(Plain(Card(info)), atr)
    assert 0xFF <= kind.largest_read <= LARGEST_BLOCK
    assert 0xFF <= kind.largest_write <= LARGEST_BLOCK


@given(st.integers(64, 65535))
def test_a_payload_fits_its_room_and_no_larger_one_does(room: int) -> None:
    """The answer DO 87, DO 99, DO 8E around it, as AES makes it: built and measured."""

    def size(payload: int) -> int:
        value = (payload // 16 + 1) * 16 + 1
        return 1 + (1 if value < 128 else 2 if value < 256 else 3) + value + 4 + 10

    payload = protected_payload(room)
    assert payload == 0 or size(payload) <= room
    assert room < 160 or size(payload + 16) > room - 16


def test_the_largest_short_block_is_df() -> None:
    assert protected_payload(256) == 0xDF
    sent: list[CommandApdu] = []

    class Below:
        def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
            sent.append(command)
            return ResponseApdu(b"", 0x6F00)

    SecureMessaging(Below(), AesSuite(bytes(16), bytes(16)), bytes(16)).send(
        CommandApdu(Ins.UPDATE_BINARY, data=bytes(0xDF))
    )
    assert len(sent[0].data) <= 255


@pytest.mark.parametrize(
    ("largest", "steps"),
    [(975, (975, 255, 223, 192, 128)), (255, (255, 223, 192, 128)), (223, (223, 192, 128)), (100, (100,))],
)
def test_the_ladder_goes_down(largest: int, steps: tuple[int, ...]) -> None:
    assert ladder(largest) == steps


def test_what_was_learned_is_kept_for_the_kind_and_the_direction() -> None:
    memory = BlockMemory()
    kind, other = CardType(b"a"), CardType(b"b")
    blocks = memory.reading(kind)
    assert blocks.size == 975
    assert blocks.fall_back()
    assert memory.reading(CardType(b"a")).size == 0xFF
    assert memory.writing(kind).size == 975
    assert memory.reading(other).size == 975


# --- while reading ---


class Channel:
    """A channel to one file; refuses blocks over `most` as `how` says."""

    alive = True
    protocol = "BAC"

    def __init__(self, most: int, how: Callable[[], ResponseApdu]) -> None:
        self._most, self._how = most, how
        self.asked: list[int] = []

    def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
        if command.ins == Ins.SELECT:
            return ResponseApdu(b"", 0x9000)
        self.asked.append(command.ne)
        if command.ne > self._most:
            return self._how()
        at = command.p1 << 8 | command.p2
        return ResponseApdu(CONTENT[at : at + command.ne], 0x9000)


CONTENT = b"\x6d\x82\x07\xd0" + bytes(2000)


def silent() -> ResponseApdu:
    raise DeviceTimeout("chip", "transmit")


@pytest.mark.parametrize("sw", [0x6700, 0x6C00, 0x6884])
def test_a_refusal_inside_the_channel_costs_one_apdu_and_no_new_channel(sw: int) -> None:
    channel = Channel(0xDF, lambda: ResponseApdu(b"", sw))
    openings: list[int] = []
    files = LdsFiles(lambda: openings.append(1) or channel, Blocks(ladder(975)))  # type: ignore
    assert files.read_object(0x010D) == CONTENT
    assert channel.asked[:4] == [7, 975, 255, 223]
    assert len(openings) == 1


def test_a_card_that_falls_silent_is_asked_for_less_the_next_time() -> None:
    blocks = Blocks(ladder(975))
    for expected in (255, 223):
        with pytest.raises(DeviceTimeout):
            LdsFiles(lambda: Channel(0xDF, silent), blocks).read_object(0x010D)  # type: ignore
        assert blocks.size == expected
    assert LdsFiles(lambda: Channel(0xDF, silent), blocks).read_object(0x010D) == CONTENT  # type: ignore


def test_a_card_that_takes_no_size_ends_soon() -> None:
    channel = Channel(7, lambda: ResponseApdu(b"", 0x6700))
    with pytest.raises(WrongLength):
        LdsFiles(lambda: channel, Blocks(ladder(975))).read_object(0x010D)  # type: ignore
    assert channel.asked == [7, 975, 255, 223, 192, 128]
    assert issubclass(WrongLength, CardError)
