"""Whatever a host says, in the clear or in the channel, a field card answers with status bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzz import fuzzed
from support.issuer_desk import ACCESS, AID, Desk

KINDS = ("iso7816-scp03", "store-data")
INS = (0x50, 0x82, 0x84, 0x86, 0x88, 0x22, 0xA4, 0xB0, 0xCA, 0xD6, 0xDA, 0xE0, 0xE2, 0xF0)
HEADS = st.tuples(
    st.sampled_from((0x00, 0x04, 0x0C, 0x10, 0x80, 0x84, 0x90, 0x94, 0xFF)),
    st.sampled_from(INS),
    st.sampled_from((0x00, 0x02, 0x04, 0x08, 0x30, 0x33, 0x40, 0x41, 0x88, 0x9C, 0x9F, 0xC1)),
    st.sampled_from((0x00, 0x01, 0x0C, 0x0F, 0x62, 0x63, 0x64, 0x65, 0x7F, 0xA4, 0xFF)),
).map(bytes)
TEMPLATES = st.sampled_from([
    AID, ACCESS, b"\x01\x1c", b"\x01\x01", b"\x63\x06123456", b"\x64\x10" + bytes(16), b"\x00\x62" + ACCESS,
    bytes.fromhex("6216 80020020 820101 83020101 880108 8A0101 8C0303FF40"),
    bytes.fromhex("0101 05 6103010203"), bytes.fromhex("0101 FF0100 61"), bytes.fromhex("0064 FF"),
])  # fmt: skip
DATA = st.one_of(
    st.binary(max_size=40),
    TEMPLATES,
    st.builds(
        lambda whole, at, byte: whole[:at] + byte + whole[at + 1 :],
        TEMPLATES,
        st.integers(0, 24),
        st.binary(max_size=2),
    ),
)


def command(head: bytes, data: bytes, le: bytes) -> bytes:
    return head + (bytes((len(data),)) + data if data else b"") + le


APDUS = st.one_of(
    st.builds(command, HEADS, DATA, st.sampled_from((b"", b"\0", b"\x08", b"\xff"))),
    st.binary(min_size=0, max_size=12),
)


@pytest.mark.parametrize("kind", KINDS)
@fuzzed
@given(apdus=st.lists(APDUS, max_size=12), inside=st.booleans())
def test_in_the_clear(kind: str, apdus: list[bytes], inside: bool) -> None:
    desk = Desk(kind)
    if inside:
        desk.plain("00A4040C07A0000002471001")
    for apdu in apdus:
        answer = desk.card.transmit(apdu)
        assert answer[-2] in (0x90, 0x61, 0x62, 0x63, *range(0x67, 0x70))
    assert desk.untouched


@pytest.mark.parametrize("kind", KINDS)
@fuzzed
@given(commands=st.lists(st.tuples(HEADS, DATA), max_size=12))
def test_in_the_channel(kind: str, commands: list[tuple[bytes, bytes]]) -> None:
    desk = Desk(kind)
    desk.open()
    for head, data in commands:
        cla = bytes((head[0] & 0x80,))
        sw = desk.host.status((cla + head[1:]).hex(), data)
        assert sw >> 8 in (0x90, 0x61, 0x62, 0x63, *range(0x67, 0x70))
    desk.restart()
    assert desk.plain("80CA9F7F00").endswith("9000")
