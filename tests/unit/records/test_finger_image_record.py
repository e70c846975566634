"""ISO/IEC 19794-4: what is written is read back, and nothing else is taken for it."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.records.format.finger_image import Compression, FingerImageError, FingerRecord
from firmware.records.format.schema import FINGERS

AT = datetime(2026, 11, 22, 3, 4, 5, 678000, tzinfo=UTC)
GOOD = FingerRecord("left_index", b"picture", Compression.WSQ, 384, 290, 500, AT, 62)


@pytest.mark.parametrize("position", FINGERS)
@pytest.mark.parametrize("score", [0, 100, None])
def test_what_is_written_is_read_back(position: str, score: int | None) -> None:
    record = replace(GOOD, position=position, score=score)
    assert FingerRecord.from_bytes(record.to_bytes()) == record


def test_its_bytes_stand_where_the_standard_has_them() -> None:
    data = GOOD.to_bytes()
    assert data[:8] == b"FIR\x00020\x00"
    assert struct.unpack_from(">I", data, 8) == (len(data),)
    assert struct.unpack_from(">I", data, 16) == (len(data) - 16,)
    assert struct.unpack_from(">H5BH", data, 20) == (2026, 11, 22, 3, 4, 5, 678)
    assert data[34:40] == bytes([1, 62, 0x01, 0x01, 0x00, 0x39]), "one quality block: NFIQ 2, revision 3"
    assert data[40] == 7, "left index finger"
    assert struct.unpack_from(">4H", data, 43) == (500,) * 4
    assert struct.unpack_from(">BBBHHI", data, 51) == (8, 2, 0, 384, 290, 7)
    assert data[62:] == b"picture"


@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_the_reader(data: bytes) -> None:
    with pytest.raises(FingerImageError):
        FingerRecord.from_bytes(data)


@given(st.data())
def test_a_changed_byte_is_noticed_or_changes_only_what_it_says(data: st.DataObject) -> None:
    raw = bytearray(GOOD.to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = FingerRecord.from_bytes(bytes(raw))
    except FingerImageError:
        return
    assert read.to_bytes() == bytes(raw)


@pytest.mark.parametrize("cut", [1, 8, 40])
def test_a_truncated_record_is_none(cut: int) -> None:
    with pytest.raises(FingerImageError):
        FingerRecord.from_bytes(GOOD.to_bytes()[:-cut])


def test_what_the_record_has_no_room_for_is_refused() -> None:
    wrongs = (replace(GOOD, width_px=70_000), replace(GOOD, position="left_toe"), replace(GOOD, score=300))
    for wrong in wrongs:
        with pytest.raises(FingerImageError):
            wrong.to_bytes()
