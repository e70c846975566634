"""A frame as a U.are.U sensor sends it: a 64-byte header, then up to 289 rows of 384 pixels.

The header says which runs of rows are scrambled, plain or absent. Its claims are checked before use.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from drivers.api import Pixels
from drivers.errors import ProtocolError
from drivers.fingerprint.scramble import MAX_STEPS, keystream

WIDTH_PX = 384
MAX_LINES = 289
HEADER_SIZE = 64
FRAME_SIZE = HEADER_SIZE + MAX_LINES * WIDTH_PX
BLOCKS_AT = 16
BLOCK_COUNT = 15
MAX_ROWS = MAX_STEPS // WIDTH_PX
SCRAMBLED_VARIANCE = 5000

KeySource = Callable[[int], int]  # key number -> 32-bit key


class BlockFlag(IntFlag):
    ABSENT = 0x01  # rows that are not in the data
    SCRAMBLED = 0x02
    KEY_KEPT = 0x04  # the generator does not step over these rows
    NEW_KEY = 0x80  # the next key number begins here


@dataclass(frozen=True, slots=True)
class Block:
    flags: BlockFlag
    lines: int

    @property
    def scrambled(self) -> bool:
        return self.flags & (BlockFlag.SCRAMBLED | BlockFlag.KEY_KEPT) == BlockFlag.SCRAMBLED

    @property
    def absent(self) -> bool:
        return BlockFlag.ABSENT in self.flags


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the first 64 bytes say: rows in the data, number of the first key, runs of rows from the top."""

    line_count: int
    key_number: int
    blocks: tuple[Block, ...]

    @classmethod
    def parse(cls, raw: bytes) -> FrameHeader:
        """Raises ProtocolError when `raw` is too short or its header contradicts itself."""
        if len(raw) < HEADER_SIZE:
            raise _broken(f"{len(raw)} bytes are no header")
        line_count, key_number = struct.unpack_from("<HB", raw, 4)
        if not 2 <= line_count <= MAX_LINES or len(raw) < HEADER_SIZE + line_count * WIDTH_PX:
            raise _broken(f"{line_count} lines announced, {len(raw)} bytes sent")
        blocks = tuple(_blocks(raw, line_count))
        if sum(block.lines for block in blocks) > MAX_ROWS:
            raise _broken("more rows than a picture has")
        return cls(line_count, key_number, blocks)


def picture(raw: bytes, read_key: KeySource) -> Pixels:
    """Return the rows of a frame as the sensor saw them: (rows, 384) uint8, ridges light on dark.

    `read_key` is asked for each key the header names, in order, unless the frame came unscrambled.
    Raises ProtocolError on a short or contradictory frame.
    """
    header = FrameHeader.parse(raw)
    data = np.frombuffer(raw, np.uint8, header.line_count * WIDTH_PX, HEADER_SIZE).copy()
    if is_scrambled(data):
        _descramble(data, header, read_key)
    return _lay_out(data, header)


def is_scrambled(data: Pixels) -> bool:
    """Tell noise from a picture by the variance of the first two rows' sum."""
    first_two = data[:WIDTH_PX].astype(np.int32) + data[WIDTH_PX : 2 * WIDTH_PX]
    return float(first_two.var()) >= SCRAMBLED_VARIANCE


def _blocks(raw: bytes, line_count: int) -> Iterator[Block]:
    left = line_count
    for index in range(BLOCK_COUNT):
        flags, lines = raw[BLOCKS_AT + 2 * index : BLOCKS_AT + 2 * index + 2]
        block = Block(BlockFlag(flags), lines)
        if left == 0 or lines == 0:
            break
        if not block.absent:
            left -= lines
        if left < 0:
            raise _broken("its blocks hold more lines than announced")
        yield block
    if left:
        raise _broken(f"{left} of {line_count} lines are in no block")


def _descramble(data: Pixels, header: FrameHeader, read_key: KeySource) -> None:
    """Undo the scrambling in place: out[i] = in[i + 1] ^ keystream[i], and a run's last byte is lost."""
    number, start = header.key_number, 0
    stream, at = keystream(read_key(number), MAX_STEPS), 0
    for block in header.blocks:
        if BlockFlag.NEW_KEY in block.flags:
            number = (number + 1) & 0xFF
            stream, at = keystream(read_key(number), MAX_STEPS), 0
        size = block.lines * WIDTH_PX
        if block.scrambled and not block.absent:
            run = data[start : start + size]
            run[:-1] = run[1:] ^ stream[at : at + size - 1]
            run[-1] = 0
        if BlockFlag.KEY_KEPT not in block.flags:
            at += size
        if not block.absent:
            start += size


def _lay_out(data: Pixels, header: FrameHeader) -> Pixels:
    """Put the rows where the header says; one that is absent repeats the row below it."""
    source: list[int] = []
    start = 0
    for block in header.blocks:
        if block.absent:
            source += [start] * block.lines
        else:
            source += range(start, start + block.lines)
            start += block.lines
    return data.reshape(-1, WIDTH_PX)[np.minimum(source, start - 1)]


def _broken(why: str) -> ProtocolError:
    return ProtocolError("finger", f"frame: {why}")
