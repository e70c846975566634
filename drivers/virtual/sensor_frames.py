"""What a U.are.U 4500 sends as a frame, made from what lies on its glass.

Written from the sensor's side and shares nothing with the driver: the generator is stepped bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

WIDTH_PX = 384
HEIGHT_PX = 290
ABSENT_ROW = 122
HEADER_SIZE = 64
PREAMBLE = bytes.fromhex("10408001")
SCRAMBLED, PLAIN, ABSENT, NEW_KEY = 0x02, 0x00, 0x01, 0x80
LAYOUT = (
    (SCRAMBLED, 72),
    (PLAIN, 1),
    (SCRAMBLED, 49),
    (ABSENT, 1),
    (PLAIN, 1),
    (SCRAMBLED, 49),
    (PLAIN, 1),
    (SCRAMBLED, 116),
)
NEW_KEY_LAYOUT = (*LAYOUT[:5], (SCRAMBLED | NEW_KEY, 49), *LAYOUT[6:])
FEEDBACK = 0x9248144D
TAPS = (4, 8, 11, 14, 18, 21, 24, 29)


def on_glass(impression: Pixels) -> Pixels:
    """Return what the sensor sees of a (height, width) impression centred on its glass, (290, 384).

    The picture is light on dark and, in a 4500, stands on its head.
    """
    glass = np.full((HEIGHT_PX, WIDTH_PX), 255, np.uint8)
    height, width = (min(have, room) for have, room in zip(impression.shape, glass.shape, strict=True))
    glass[_middle(HEIGHT_PX, height), _middle(WIDTH_PX, width)] = impression[
        _middle(impression.shape[0], height), _middle(impression.shape[1], width)
    ]
    return np.ascontiguousarray(255 - glass[::-1, ::-1])


def frame(seen: Pixels, key_number: int, keys: Sequence[int], new_key: bool = False) -> bytes:
    """Return header and scrambled rows; with `new_key` the following key number takes over on the way."""
    layout = NEW_KEY_LAYOUT if new_key else LAYOUT
    lines = sum(count for flags, count in layout if flags != ABSENT)
    header = PREAMBLE + lines.to_bytes(2, "little") + bytes([key_number]) + bytes(9)
    header += b"".join(bytes(pair) for pair in layout)
    return header.ljust(HEADER_SIZE, b"\0") + b"".join(_runs(seen, layout, key_number, keys))


def _runs(seen: Pixels, layout: Sequence[tuple[int, int]], number: int, keys: Sequence[int]) -> list[bytes]:
    runs, row, at = [], 0, 0
    for flags, count in layout:
        if flags & NEW_KEY:
            number, at = (number + 1) % len(keys), 0
        size = count * WIDTH_PX
        plain = seen[row : row + count].ravel()
        if flags & SCRAMBLED:
            noise = _keystream(keys[number])[at : at + size - 1]
            runs.append(bytes([noise[0]]) + (plain[:-1] ^ noise).tobytes())
        elif flags != ABSENT:
            runs.append(plain.tobytes())
        row, at = row + count, at + size
    return runs


@lru_cache(maxsize=16)
def _keystream(key: int) -> Pixels:
    """Return one byte for each pixel, stepping the generator one by one."""
    bits = bytearray()
    for _ in range(HEIGHT_PX * WIDTH_PX + 32):
        bits.append(key & 1)
        key = key >> 1 | ((key & FEEDBACK).bit_count() & 1) << 31
    sequence = np.frombuffer(bits, np.uint8)
    size = HEIGHT_PX * WIDTH_PX
    stream = np.zeros(size, np.uint8)
    for place, tap in enumerate(TAPS):
        stream |= sequence[tap : tap + size] << np.uint8(place)
    return stream


def _middle(room: int, size: int) -> slice:
    start = (room - size) // 2
    return slice(start, start + size)
