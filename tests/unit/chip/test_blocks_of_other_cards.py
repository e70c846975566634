"""Block sizes on cards and readers that answer too large a READ BINARY in their own way, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.chip import FILES, KEYS
from support.issued import SilentReader, issued_card

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import BlockMemory, Blocks, ladder
from drivers.chip.errors import SecureMessagingError
from drivers.chip.lds import LdsFiles, open_card
from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, UserRetry

CONTENT = b"\x6d\x82\x07\xd0" + bytes(2000)
DG13 = 0x010D


class Bare:
    """A channel to one file. A block over `most`, or behind the end, gets a bare status and ends it."""

    protocol = "BAC"

    def __init__(self, sw: int, most: int = 0xDF) -> None:
        self._sw, self._most = sw, most
        self.alive = True

    def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
        if not self.alive:
            raise SecureMessagingError("the secure channel has ended")
        if command.ins == Ins.SELECT:
            return ResponseApdu(b"", 0x9000)
        at = command.p1 << 8 | command.p2
        if command.ne > self._most or at >= len(CONTENT):
            self.alive = False
            return ResponseApdu(b"", self._sw)
        return ResponseApdu(CONTENT[at : at + command.ne], 0x9000)


def bare(sw: int) -> tuple[LdsFiles, list[int]]:
    openings: list[int] = []
    return LdsFiles(lambda: openings.append(1) or Bare(sw), Blocks(ladder(975))), openings  # type: ignore


@pytest.mark.parametrize("sw", [0x6B00, 0x6282, 0x6700, 0x6C00])
def test_a_bare_refusal_of_a_block_ends_the_channel_and_the_file_is_read_on_in_smaller_ones(sw: int) -> None:
    files, openings = bare(sw)
    assert files.read_object(DG13) == CONTENT
    assert len(openings) <= 5


@pytest.mark.parametrize("sw", [0x6B00, 0x6282])
def test_a_file_that_ends_with_a_bare_status_is_read_to_its_end(sw: int) -> None:
    files, openings = bare(sw)
    assert files.read(DG13, len(CONTENT) + 50, lambda _: None) == CONTENT
    assert len(openings) <= 9


# --- card or reader lost at a length ---


class Losing(SilentReader):
    """Loses the card at each APDU that `at` says, as `how`; `connect` begins anew."""

    def __init__(self, at: Callable[[bytes], bool], how: Callable[[], DriverError]) -> None:
        super().__init__()
        self._at, self._how = at, how
        super().__enter__()
        self.put(issued_card())

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        if self._at(apdu):
            self.disconnect()
            raise self._how()
        return super().transmit(apdu, timeout_s)


def is_extended(apdu: bytes) -> bool:
    return len(apdu) > 6 and apdu[4] == 0


LOST: dict[str, Callable[[], DriverError]] = {
    "lifted": lambda: UserRetry("hold_card_still"),
    "refused": lambda: DeviceRefused("chip", "transmit: PC/SC 0x8010001f"),
    "silent": lambda: DeviceTimeout("chip", "transmit"),
}


@pytest.mark.parametrize("how", LOST)
def test_a_card_lost_at_an_extended_apdu_is_read_with_short_ones_the_next_time(how: str) -> None:
    reader, memory = Losing(is_extended, LOST[how]), BlockMemory()
    with pytest.raises(DriverError):
        open_card(reader, KEYS, memory).read_object(0x0102)
    assert memory.losses == 1
    assert open_card(reader, KEYS, memory).read_object(0x0102) == FILES[0x0102]
    assert memory.losses == 1


def test_after_that_no_other_command_is_extended_either() -> None:
    """As the signature of a long RSA key is asked for."""
    reader, memory = Losing(is_extended, LOST["lifted"]), BlockMemory()
    with pytest.raises(UserRetry):
        open_card(reader, KEYS, memory).read_object(0x0102)
    channel = open_card(reader, KEYS, memory).channel
    answer = channel.send(CommandApdu(Ins.INTERNAL_AUTHENTICATE, data=bytes(8), ne=300, extended=True))
    assert (answer.sw, len(answer.data)) == (0x9000, 64)


def test_a_card_lifted_at_a_short_apdu_says_nothing_of_lengths() -> None:
    memory = BlockMemory()
    for _ in range(3):
        reader = Losing(lambda apdu: apdu[0] == 0x0C and apdu[1] == Ins.READ_BINARY, LOST["lifted"])
        with pytest.raises(UserRetry, match="hold_card_still"):
            open_card(reader, KEYS, memory).read_object(0x0102)
    assert memory.losses == 0


def test_a_card_lifted_at_a_length_that_it_took_before_is_not_suspected() -> None:
    memory, lifted = BlockMemory(), [False]
    reader = Losing(lambda apdu: is_extended(apdu) and lifted[0], LOST["lifted"])
    assert open_card(reader, KEYS, memory).read_object(0x0102) == FILES[0x0102]
    lifted[0] = True
    with pytest.raises(UserRetry, match="hold_card_still"):
        open_card(reader, KEYS, memory).read_object(0x0102)
    assert memory.losses == 0


def test_one_loss_is_a_doubt_and_the_card_after_the_next_is_asked_for_long_blocks_again() -> None:
    """It was lifted: the next look is short, so that it goes well whatever it was; then all is as before."""
    memory, lifted = BlockMemory(), [True]
    sent: list[bytes] = []

    def at(apdu: bytes) -> bool:
        sent.append(apdu)
        return lifted[0] and is_extended(apdu)

    with pytest.raises(UserRetry):
        open_card(Losing(at, LOST["lifted"]), KEYS, memory).read_object(0x0102)
    lifted[0] = False
    extended = []
    for _ in range(3):
        sent.clear()
        assert open_card(Losing(at, LOST["lifted"]), KEYS, memory).read_object(0x0102) == FILES[0x0102]
        extended.append(any(map(is_extended, sent)))
    assert extended == [False, True, True]


def test_the_second_loss_is_believed_for_good() -> None:
    reader, memory = Losing(is_extended, LOST["silent"]), BlockMemory()
    went_well = []
    for _ in range(8):
        try:
            went_well.append(open_card(reader, KEYS, memory).read_object(0x0102) == FILES[0x0102])
        except DeviceTimeout:
            went_well.append(False)
    assert went_well == [False, True, False, True, True, True, True, True]
    assert memory.losses == 2


def test_a_time_out_at_a_few_bytes_says_nothing_of_lengths() -> None:
    blocks = Blocks(ladder(975))
    blocks.silent(7)
    assert (blocks.size, blocks.losses) == (975, 0)
    blocks.took(975)
    blocks.silent(975)
    assert (blocks.size, blocks.losses) == (975, 0), "nor at what came through before"
