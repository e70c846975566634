"""The keystream that a U.are.U sensor lays over its picture, for a whole frame at once.

The generator is a 32-bit Fibonacci LFSR: its states are 32-bit windows sliding over one bit sequence s, and
each s[i + 32] is the parity of a few bits of the window before it. Two consequences make it fast. The
sequence is linear in the key, so that of any key is the XOR of at most 32 sequences computed once. And
over GF(2) the recurrence also holds with every distance multiplied by the same power of two, so those
sequences are made in runs that double.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

KEY_BITS = 32
FEEDBACK = tuple(bit for bit in range(KEY_BITS) if 0x9248144D >> bit & 1)
TAPS = (4, 8, 11, 14, 18, 21, 24, 29)  # window bits that make bits 0..7 of a keystream byte
MAX_STEPS = 320 * 384


def keystream(key: int, steps: int) -> NDArray[np.uint8]:
    """Return the first `steps` keystream bytes of the 32-bit `key`; at most `MAX_STEPS`."""
    if not 0 <= steps <= MAX_STEPS:
        raise ValueError(f"keystream of {steps} steps, at most {MAX_STEPS}")
    chosen = [row for bit, row in enumerate(_unit_sequences()) if key >> bit & 1]
    packed = np.bitwise_xor.reduce(chosen) if chosen else np.zeros_like(_unit_sequences()[0])
    sequence = np.unpackbits(packed)
    stream = np.zeros(steps, np.uint8)
    for place, tap in enumerate(TAPS):
        stream |= sequence[tap : tap + steps] << np.uint8(place)
    return stream


@cache
def _unit_sequences() -> NDArray[np.uint8]:
    """Return the packed bit sequence of each one-bit key, (32, bytes): half a megabyte, made in 0.1 s."""
    length = MAX_STEPS + KEY_BITS
    bits = np.zeros((KEY_BITS, length), np.uint8)
    bits[:, :KEY_BITS] = np.eye(KEY_BITS, dtype=np.uint8)
    known, stride = KEY_BITS, 1
    while known < length:
        if known >= 2 * stride * KEY_BITS:
            stride *= 2
        end = min(known + stride, length)
        base = known - KEY_BITS * stride
        for bit in FEEDBACK:
            bits[:, known:end] ^= bits[:, base + bit * stride : base + bit * stride + end - known]
        known = end
    return np.packbits(bits, axis=1)
