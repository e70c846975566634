"""Frames as they come off the wire: the scrambling, the layout, and headers that lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.api import Pixels
from drivers.errors import ProtocolError
from drivers.fingerprint.frame import FRAME_SIZE, HEADER_SIZE, WIDTH_PX, FrameHeader, picture
from drivers.fingerprint.scramble import MAX_STEPS, keystream
from drivers.virtual.sensor_frames import ABSENT_ROW, frame, on_glass

KEYS = (0x12345678, 0x9ABCDEF1)


def stepped(key: int, steps: int) -> list[int]:
    """The generator as it is defined, one step at a time."""
    out = []
    for _ in range(steps):
        out.append(sum((key >> tap & 1) << bit for bit, tap in enumerate((4, 8, 11, 14, 18, 21, 24, 29))))
        key = key >> 1 | ((key & 0x9248144D).bit_count() & 1) << 31
    return out


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_keystream_is_the_generators(key: int) -> None:
    assert keystream(key, 500).tolist() == stepped(key, 500)


def test_the_keystream_holds_to_its_end() -> None:
    assert keystream(KEYS[0], MAX_STEPS)[-5:].tolist() == stepped(KEYS[0], MAX_STEPS)[-5:]


@pytest.mark.parametrize("steps", [-1, MAX_STEPS + 1])
def test_a_keystream_is_bounded(steps: int) -> None:
    with pytest.raises(ValueError, match="keystream"):
        keystream(1, steps)


def noise(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (290, 384), np.uint8)


@pytest.mark.parametrize("new_key", [False, True])
def test_what_the_sensor_scrambles_is_what_comes_out(new_key: bool) -> None:
    seen = on_glass(noise())
    asked: list[int] = []

    def key(number: int) -> int:
        asked.append(number)
        return KEYS[number]

    rows = picture(frame(seen, 0, KEYS, new_key), key)
    same = rows == seen
    assert asked == [0, 1][: 1 + new_key]
    assert not same[ABSENT_ROW].all()
    assert np.count_nonzero(~np.delete(same, ABSENT_ROW, axis=0)) <= 4  # the last byte of each run


def test_the_absent_row_repeats_the_one_below_it() -> None:
    rows = picture(frame(on_glass(noise()), 0, KEYS), KEYS.__getitem__)
    np.testing.assert_array_equal(rows[ABSENT_ROW], rows[ABSENT_ROW + 1])


def header(lines: int, *blocks: int, size: int = FRAME_SIZE) -> bytes:
    head = bytes(4) + lines.to_bytes(2, "little") + bytes(10) + bytes(blocks)
    return head.ljust(HEADER_SIZE, b"\0").ljust(size, b"\x07")


def test_a_plain_frame_is_not_descrambled() -> None:
    def key(_: int) -> int:
        raise AssertionError("no key is needed")

    assert (picture(header(289, 0, 255, 0, 34), key) == 7).all()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no header"),
        (bytes(63), "no header"),
        (header(0, 0, 1), "0 lines"),
        (header(1, 0, 1), "1 lines"),
        (header(290, 0, 255, 0, 35), "290 lines"),
        (header(65535, 0, 255), "65535 lines"),
        (header(289, 0, 255, 0, 34, size=FRAME_SIZE - 1), "bytes sent"),
        (header(289), "in no block"),
        (header(289, 0, 200), "in no block"),
        (header(200, 0, 201), "more lines than announced"),
        (header(289, 1, 255, 0, 255, 0, 34), "more rows"),
        (header(10, *[1, 255] * 14, 0, 10), "more rows"),
    ],
)
def test_a_header_that_lies_is_found_out(raw: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        FrameHeader.parse(raw)


@given(st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE), st.integers(0, FRAME_SIZE))
@settings(max_examples=200, deadline=None)
def test_no_header_breaks_the_driver(head: bytes, size: int) -> None:
    body = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    try:
        rows = picture(head + body, lambda _: 1)
    except ProtocolError:
        return
    assert rows.shape[1] == WIDTH_PX
    assert len(rows) <= MAX_STEPS // WIDTH_PX
