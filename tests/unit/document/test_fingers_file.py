"""DG3: what the fingers of a card are written as, and which bytes are no such file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.people import CAPTURED, jp2

from firmware.document import cbeff, der
from firmware.document.data_groups import decode_dg3, encode_dg3
from firmware.document.errors import DataGroupError, DocumentError
from firmware.document.fingers import SUBTYPES, Compression, Finger

BODIES = {
    Compression.WSQ: b"\xff\xa0",
    Compression.JPEG: b"\xff\xd8\xff",
    Compression.PNG: b"\x89PNG\r\n\x1a\n",
}


def finger(position: int = 2, compression: Compression = Compression.RAW, **changes: Any) -> Finger:
    image = {Compression.RAW: bytes(48 * 64), Compression.JPEG2000: jp2(48, 64)}.get(compression)
    return replace(Finger(position, image or BODIES[compression] + bytes(40), 48, 64, compression), **changes)


def fingers() -> st.SearchStrategy[list[Finger]]:
    one = st.builds(
        finger, st.integers(1, 10), st.sampled_from(Compression), resolution_ppi=st.sampled_from((500, 1000))
    )
    return st.lists(one, min_size=1, max_size=6, unique_by=lambda each: each.position)


@given(fingers())
def test_fingers_read_back_as_they_were_written(taken: list[Finger]) -> None:
    content = encode_dg3(taken, CAPTURED)
    der.one(content, 0x63)
    assert decode_dg3(content) == tuple(taken)


def test_a_template_names_its_finger_as_the_standard_counts_them() -> None:
    # ISO/IEC 7816-11, table C.2: 000sskkk … bits 5-3 which finger, bits 2-1 which hand
    assert bytes(SUBTYPES).hex() == "05090d1115" + "060a0e1216"
    content = encode_dg3([finger(7)], CAPTURED)
    header = "a11781010882010a8307202603020304058702010188020007"
    assert header in content.hex()


def test_the_record_has_the_bytes_of_the_standard() -> None:
    [template] = cbeff.decode(3, cbeff.Format.FINGER_IMAGE, encode_dg3([finger(2)], CAPTURED))
    record = template.record
    assert record[:32].hex() == (
        "4649520030313000" + f"{len(record):012x}" + "0000001e010101f401f401f401f408000000"
    )
    assert record[32:46].hex() == f"{14 + 48 * 64:08x}" + "020101fe000030004000"


def test_a_record_of_several_fingers_is_read_too() -> None:
    made = [encode_dg3([finger(position)], CAPTURED) for position in (2, 7)]
    two = [cbeff.decode(3, cbeff.Format.FINGER_IMAGE, each)[0].record for each in made]
    length = 32 + sum(len(each) - 32 for each in two)
    record = two[0][:8] + length.to_bytes(6, "big") + two[0][14:18] + b"\x02" + two[0][19:] + two[1][32:]
    content = cbeff.encode(3, cbeff.Format.FINGER_IMAGE, [cbeff.Template(record)])
    assert decode_dg3(content) == (finger(2), finger(7))


@pytest.mark.parametrize(
    "taken",
    [
        [],
        [finger(2), finger(2)],
        [finger(0)],
        [finger(11)],
        [finger(image=bytes(5))],
        [finger(compression=Compression.WSQ, image=b"\x89PNG")],
        [finger(compression=Compression.JPEG2000, width_px=47)],
        [finger(width_px=0, image=b"")],
        [finger(compression=Compression.WSQ, width_px=0x10000)],
        [finger(compression=Compression.WSQ, image=b"\xff\xa0" + bytes(0x8000))],
    ],
)
def test_what_no_dg3_can_say_is_not_written(taken: list[Finger]) -> None:
    with pytest.raises(DataGroupError):
        encode_dg3(taken, CAPTURED)


def test_a_subtype_that_names_another_finger_is_refused() -> None:
    [template] = cbeff.decode(3, cbeff.Format.FINGER_IMAGE, encode_dg3([finger(2)], CAPTURED))
    wrong = cbeff.encode(3, cbeff.Format.FINGER_IMAGE, [replace(template, subtype=SUBTYPES[6])])
    with pytest.raises(DataGroupError, match="another finger"):
        decode_dg3(wrong)


@given(st.integers(0, 3200), st.integers(1, 255))
def test_a_bent_dg3_is_read_or_refused_and_nothing_else(at: int, by: int) -> None:
    good = bytearray(encode_dg3([finger(2), finger(7, Compression.WSQ)], CAPTURED))
    good[at % len(good)] ^= by
    with suppress(DocumentError):
        assert all(1 <= each.position <= 10 for each in decode_dg3(bytes(good)))
