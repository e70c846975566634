"""Strict DER: one object, shortest lengths, bounded depth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.document import der
from firmware.document.errors import NotDerError

TAGS = st.sampled_from((0x04, 0x30, 0x61, 0x77, 0x5C, 0x5F1F, 0x5F2E, 0x7F61, 0x7F60, 0x5F01))


@given(TAGS, st.binary(max_size=70000))
def test_what_is_encoded_reads_back(tag: int, value: bytes) -> None:
    found = der.one(der.tlv(tag, value), tag, limit=1 << 17)
    assert (found.tag, found.value) == (tag, value)


@given(st.binary(max_size=60))
def test_noise_never_escapes_the_error_tree(noise: bytes) -> None:
    for read in (der.one, der.many, der.check_strict):
        try:
            read(noise)
        except NotDerError:
            continue


@pytest.mark.parametrize(
    "encoded",
    [
        "",  # nothing
        "04",  # no length
        "0402FF",  # cut
        "040100FF",  # bytes after the end
        "3080020101" + "0000",  # indefinite
        "048101FF",  # a length in two bytes that fits in one
        "0485000000000100",  # a length of five bytes
        "04FF",  # a reserved length
        "02020001",  # an integer with a needless zero
        "0202FFFF",  # and a needless one
        "0200",  # an integer of nothing
        "010101",  # a boolean of one
        "2403040100",  # an octet string in pieces
        "1000",  # a primitive SEQUENCE
        "3106020102020101",  # a SET out of order
        "1F8001" + "00",  # a tag of three bytes
        "1F2000",  # a universal tag that needs two
    ],
)
def test_what_is_not_strict_is_refused(encoded: str) -> None:
    with pytest.raises(NotDerError):
        der.check_strict(bytes.fromhex(encoded))


@pytest.mark.parametrize("encoded", ["3000", "020100", "0201FF", "02020080", "0101FF", "3106020101020102"])
def test_what_is_strict_passes(encoded: str) -> None:
    der.check_strict(bytes.fromhex(encoded))


def test_depth_and_count_are_bounded() -> None:
    nested = b""
    for _ in range(der.MAX_DEPTH):
        nested = der.tlv(0x30, nested)
    der.check_strict(nested)
    with pytest.raises(NotDerError):
        der.check_strict(der.tlv(0x30, nested))
    with pytest.raises(NotDerError):
        der.check_strict(der.tlv(0x30, b"\x05\x00" * (der.MAX_NODES + 1)))
