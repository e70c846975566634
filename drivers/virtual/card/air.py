"""How long APDUs take between a reader and a contactless chip: ISO/IEC 14443-4 blocks in type A frames.

A model on paper: nothing waits here and nothing was measured on a real chip.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CARRIER_HZ = 13_560_000
BIT_RATES = {106: 1, 212: 2, 424: 4, 848: 8}  # kbit/s: divisor of the 128 carrier periods of a bit
FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096)  # FSD, FSC (14443-4, table 1)
BLOCK_OVERHEAD = 3  # PCB and CRC of two bytes; neither CID nor NAD
BITS_A_BYTE = 9  # with its parity bit (14443-3, 6.2.3.2)
START_AND_END = 2  # bits
READER_DELAY_S = 1172 / CARRIER_HZ  # least time from the card's frame to the reader's (14443-3, 6.2.1.2)
CARD_DELAY_S = 1236 / CARRIER_HZ  # least time from the reader's frame to the card's (6.2.1.1, n = 9)
FIELD_ON_S = 5e-3  # before a card must take commands (14443-3, 5.1)
# Request, two cascades of anticollision, RATS, PPS: bytes from the reader and from the card, at 106 kbit/s.
ACTIVATION = ((1, 2), (2, 5), (9, 3), (2, 5), (9, 3), (4, 12), (5, 3))


@dataclass(frozen=True, slots=True)
class Taken:
    """Where the time of one or more exchanges went, in seconds."""

    wire_s: float = 0.0  # bits on the air
    delay_s: float = 0.0  # between frames, and the chip's own work
    memory_s: float = 0.0  # writing pages

    @property
    def air_s(self) -> float:
        """All of it: how long the card must lie still."""
        return self.wire_s + self.delay_s + self.memory_s

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.wire_s + other.wire_s, self.delay_s + other.delay_s, self.memory_s + other.memory_s)


@dataclass(frozen=True, slots=True)
class Air:
    """A reader and a chip that agreed on a bit rate, in kbit/s, and on their largest frames, in bytes.

    `fsc` is the largest frame the card takes, `fsd` the reader. `response_s` is the chip's work on a
    command beside its memory, `page_write_s` the time to write one page of it. A chip that needs longer
    than the frame waiting time of `fwi` asks for more of it.
    """

    bit_rate: int = 106
    fsc: int = 256
    fsd: int = 256
    response_s: float = 0.3e-3
    page_write_s: float = 2e-3
    fwi: int = 8

    def __post_init__(self) -> None:
        if self.bit_rate not in BIT_RATES:
            raise ValueError(f"bit rate {self.bit_rate} is none of {tuple(BIT_RATES)} kbit/s")
        if self.fsc not in FRAME_SIZES or self.fsd not in FRAME_SIZES:
            raise ValueError(f"frames of {self.fsc} and {self.fsd} bytes: none of {FRAME_SIZES}")
        if not 0 <= self.fwi <= 14:
            raise ValueError(f"FWI {self.fwi} is none of 0..14")

    @property
    def frame_waiting_s(self) -> float:
        """How long a chip may be silent (14443-4, 7.2)."""
        return 4096 / CARRIER_HZ * 2.0**self.fwi

    def exchange(self, up: int, down: int, pages: int = 0) -> Taken:
        """One command of `up` bytes, its answer of `down`, and `pages` of memory written in between.

        A block that is not the last of its chain is acknowledged by an R-block; a frame that the card
        needs to say it is not done is an S-block, answered by one (14443-4, 7.5.3 and 7.3).
        """
        memory_s = pages * self.page_write_s
        extensions = int((memory_s + self.response_s) / self.frame_waiting_s)
        sent, got = _blocks(up, self.fsc), _blocks(down, self.fsd)
        frames_each_way = sent + got - 1 + extensions
        acknowledgements = (sent - 1) + (got - 1)
        size = up + down + BLOCK_OVERHEAD * (sent + got + acknowledgements)
        size += extensions * 2 * (BLOCK_OVERHEAD + 1)  # WTXM is one byte
        return Taken(
            _wire_s(size, 2 * frames_each_way, self.bit_rate),
            frames_each_way * (READER_DELAY_S + CARD_DELAY_S) + self.response_s,
            memory_s,
        )

    def activation(self) -> Taken:
        """From an empty field to a card that takes blocks at the bit rate."""
        size = sum(up + down for up, down in ACTIVATION)
        turns = len(ACTIVATION)
        return Taken(_wire_s(size, 2 * turns, 106), FIELD_ON_S + turns * (READER_DELAY_S + CARD_DELAY_S), 0.0)

    def run(self, exchanges: Iterable[tuple[int, int]]) -> Taken:
        """All of a transcript's commands and answers, by their lengths; no memory is written."""
        return sum((self.exchange(up, down) for up, down in exchanges), Taken())

    def bound_s(self, payload: int) -> float:
        """No way of moving `payload` bytes at this bit rate takes less."""
        return _wire_s(payload, 0, self.bit_rate)


def _blocks(size: int, frame: int) -> int:
    return max(1, -(-size // (frame - BLOCK_OVERHEAD)))


def _wire_s(size: int, frames: int, bit_rate: int) -> float:
    bits = size * BITS_A_BYTE + frames * START_AND_END
    return bits * 128 / BIT_RATES[bit_rate] / CARRIER_HZ
