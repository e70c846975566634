from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.chip import tlv
from drivers.chip.errors import MalformedData

TAGS = st.one_of(
    st.integers(0x01, 0xFE).filter(lambda t: t & 0x1F != 0x1F),
    st.integers(0, 0x7F).map(lambda low: 0x5F00 | low),
)


@given(st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=5))
def test_what_is_encoded_parses_to_the_same(objects: list[tuple[int, bytes]]) -> None:
    joined = b"".join(tlv.encode(tag, value) for tag, value in objects)
    assert tlv.parse(joined) == objects


@given(st.binary(max_size=64))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        objects = tlv.parse(data)
    except MalformedData:
        return
    assert b"".join(tlv.encode(*each) for each in objects) == data


@pytest.mark.parametrize(
    "data",
    [
        "60",  # no length
        "6080",  # indefinite
        "608105",  # not the shortest form
        "60820080",
        "6084000000010",
        "6003AABB",  # cut off
        "0000",  # no tag
        "5F",
        "5F818101",  # tag of four bytes
    ],
)
def test_what_is_not_strict_is_refused(data: str) -> None:
    with pytest.raises(MalformedData):
        tlv.parse(bytes.fromhex(data.ljust(len(data) + len(data) % 2, "0")))


def test_a_header_needs_no_value_and_may_be_ber() -> None:
    assert tlv.read_header(bytes.fromhex("7582012C00")) == (0x75, 300, 4)
    assert tlv.read_header(bytes.fromhex("6F810500"), der=False) == (0x6F, 5, 3)
