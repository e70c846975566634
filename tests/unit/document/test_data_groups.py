"""The files of the chip: what goes in comes out, and what is bent is refused with a typed error."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import cv2
import numpy as np
import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st
from support.people import CAPTURED, PERSON, jp2, people

from firmware.document import der
from firmware.document.data_groups import (
    decode_com,
    decode_dg1,
    decode_dg2,
    decode_dg13,
    encode_com,
    encode_dg1,
    encode_dg2,
    encode_dg13,
)
from firmware.document.errors import DataGroupError, DocumentError, ImageError
from firmware.document.face import Portrait, jpeg2000_size
from firmware.document.image import CardImage, ImageKeys
from firmware.document.lds import DG_TAGS, Fid
from firmware.document.mrz import BacKeys, td1

IMAGE = CardImage.of(PERSON, jp2(), CAPTURED)
DECODERS: dict[int, Callable[[bytes], Any]] = {
    Fid.DG1: decode_dg1,
    Fid.DG2: decode_dg2,
    Fid.DG13: decode_dg13,
    Fid.COM: decode_com,
}


# --- DG1 and EF.COM ---


def test_dg1_has_the_bytes_of_the_standard() -> None:
    assert encode_dg1(td1(PERSON))[:5].hex() == "615d5f1f5a"
    assert decode_dg1(encode_dg1(td1(PERSON))) == td1(PERSON)


def test_dg1_with_a_wrong_check_digit_is_neither_made_nor_read() -> None:
    wrong = "IDVNM0" + td1(PERSON)[6:]
    with pytest.raises(DocumentError):
        encode_dg1(wrong)
    with pytest.raises(DataGroupError):
        decode_dg1(der.tlv(0x61, der.tlv(0x5F1F, wrong.encode())))


def test_ef_com_has_the_bytes_of_the_standard() -> None:
    com = encode_com((0x6D, 0x61, 0x75))
    assert com.hex() == "60155f0104303130375f36063034303030305c0361756d"
    assert decode_com(com).tags == (0x61, 0x75, 0x6D)


@pytest.mark.parametrize("tags", [(), (0x60,), (0x61, 0x99)])
def test_ef_com_lists_data_groups_and_nothing_else(tags: tuple[int, ...]) -> None:
    with pytest.raises(DataGroupError):
        encode_com(tags)


@given(st.sets(st.sampled_from(sorted(DG_TAGS.values())), min_size=1))
def test_any_tag_list_comes_back(tags: set[int]) -> None:
    assert set(decode_com(encode_com(tags)).tags) == tags


# --- DG2 ---


def real_jp2(width: int = 60, height: int = 80) -> bytes:
    noise = np.random.default_rng(7).integers(0, 255, (height, width, 3), np.uint8)
    done, coded = cv2.imencode(".jp2", cv2.GaussianBlur(noise, (9, 9), 4))
    assert done
    return coded.tobytes()


def test_a_real_jpeg_2000_comes_back_byte_for_byte() -> None:
    image = real_jp2()
    assert decode_dg2(encode_dg2(image, CAPTURED)) == Portrait(image, 60, 80, CAPTURED)
    found = cv2.imdecode(np.frombuffer(decode_dg2(encode_dg2(image, CAPTURED)).image, np.uint8), 1)
    assert found is not None and found.shape == (80, 60, 3)


@pytest.mark.skipif(not shutil.which("opj_compress"), reason="libopenjp2-tools is not installed")
def test_a_bare_codestream_is_measured_too(tmp_path: Any) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((50, 70, 3), 99, np.uint8))
    command = ["opj_compress", "-i", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.j2k")]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    assert jpeg2000_size((tmp_path / "a.j2k").read_bytes()) == (70, 50)


def test_dg2_has_the_nesting_of_the_standard() -> None:
    group = der.one(encode_dg2(jp2(), CAPTURED), 0x75).value
    count, template = der.parts(der.one(group, 0x7F61).value, 0x02, 0x7F60)
    header, record = der.parts(template, 0xA1, 0x5F2E)
    assert count == b"\x01"
    assert der.parts(header, 0x83, 0x87, 0x88) == [
        bytes.fromhex("20260302030405"),
        b"\x01\x01",
        b"\x00\x08",
    ]
    assert record[:8] == b"FAC\x00010\x00"
    assert int.from_bytes(record[8:12], "big") == len(record)
    assert len(record) == 14 + 20 + 12 + len(jp2())


def test_the_time_of_capture_is_kept_in_utc() -> None:
    hanoi = datetime(2026, 3, 2, 10, 4, 5, tzinfo=timezone(timedelta(hours=7)))
    assert decode_dg2(encode_dg2(jp2(), hanoi)).captured == hanoi.astimezone(UTC)


@given(st.binary(max_size=500), st.integers(1, 0xFFFF), st.integers(1, 0xFFFF))
def test_any_picture_comes_back(body: bytes, width: int, height: int) -> None:
    image = jp2(width, height, body)
    assert decode_dg2(encode_dg2(image, CAPTURED)) == Portrait(image, width, height, CAPTURED)


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\xff\xd8\xff\xe0 a JPEG",
        jp2(0, 10),
        jp2(70000, 10),
        jp2()[:30],
        bytes.fromhex("FF4FFF51") + bytes(8),
        jp2(body=bytes(0x7000)),
    ],
)
def test_what_is_no_portrait_for_a_chip_is_refused(image: bytes) -> None:
    with pytest.raises(DataGroupError):
        encode_dg2(image, CAPTURED)


def test_feature_points_of_another_issuer_are_passed_over() -> None:
    content = encode_dg2(jp2(), CAPTURED)
    record = content[content.index(b"FAC\0") :]
    points = bytes(16)
    block = int.from_bytes(record[14:18], "big") + len(points)
    bent = (
        record[:8] + (len(record) + 16).to_bytes(4, "big") + record[12:14]
        + block.to_bytes(4, "big") + (2).to_bytes(2, "big") + record[20:34] + points + record[34:]
    )  # fmt: skip
    header = der.tlv(0xA1, bytes.fromhex("8702010188020008"))
    template = der.tlv(0x7F60, header + der.tlv(0x5F2E, bent))
    group = der.tlv(0x7F61, b"\x02\x01\x01" + template)
    assert decode_dg2(der.tlv(0x75, group)) == Portrait(jp2(), 48, 64, None)


# --- DG13 ---


@given(people())
def test_every_field_of_a_person_comes_back(person: dict[str, str]) -> None:
    known = {name: text for name, text in person.items() if text}
    assert decode_dg13(encode_dg13(person)).subject == known


def test_dates_and_sex_stand_as_the_card_prints_them() -> None:
    content = encode_dg13(PERSON).decode("utf-8", "replace")
    assert "06/05/2004" in content and "Nữ" in content


def test_marks_and_letters_apart_become_one_letter() -> None:
    apart = {"full_name": "Nguye\u0302\u0303n"}
    assert decode_dg13(encode_dg13(apart)).subject == {"full_name": "Nguyễn"}


def test_items_that_nobody_knows_are_kept() -> None:
    unknown = {16: core.UTF8String("0011223344556677").dump(), 99: core.Integer(5).dump()}
    content = encode_dg13(PERSON, unknown)
    decoded = decode_dg13(content)
    assert decoded.unknown == unknown
    assert encode_dg13(decoded.subject, decoded.unknown) == content


def one_item(tag: int, value: bytes, times: int = 1) -> bytes:
    """A DG13 with item 1 as an object of this tag."""
    number = der.tlv(0x30, b"\x02\x01\x01" + der.tlv(tag, value))
    head = bytes.fromhex("020101") + core.ObjectIdentifier("1.0.10646.1.0.8").dump()
    return der.tlv(0x6D, der.tlv(0x30, head + der.tlv(0x31, number * times)))


def test_a_printable_string_reads_as_text() -> None:
    assert decode_dg13(one_item(0x13, b"001304000017")).subject == {"number": "001304000017"}
    with pytest.raises(DataGroupError):
        decode_dg13(one_item(0x13, b"001304000017", times=2))


@pytest.mark.parametrize(
    "tag", [0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0D, 0x17, 0x18, 0x30, 0x31, 0x80]
)
@pytest.mark.parametrize("value", ["", "00", "010101", "30362F30352F32303239", "3236303130313030303030305A"])
def test_a_value_that_is_no_text_is_refused(tag: int, value: str) -> None:
    with pytest.raises(DataGroupError):
        decode_dg13(one_item(tag, bytes.fromhex(value)))


def test_a_text_beyond_its_bound_is_refused() -> None:
    with pytest.raises(DataGroupError):
        encode_dg13({"residence": "a" * 1025})


# --- the card image ---


def test_the_image_is_written_data_groups_first_and_ef_com_last() -> None:
    assert list(IMAGE.files) == [Fid.DG1, Fid.DG2, Fid.DG13, Fid.COM]
    assert sorted(IMAGE.data_group_hashes()) == [1, 2, 13]


@given(people())
def test_equal_images_have_equal_bytes_and_come_back(person: dict[str, str]) -> None:
    image = CardImage.of(person, jp2(), CAPTURED)
    again = CardImage.of(dict(reversed(person.items())), jp2(), CAPTURED)
    assert image.to_bytes() == again.to_bytes()
    assert CardImage.from_bytes(image.to_bytes()) == image


def test_an_image_that_contradicts_itself_cannot_be_made() -> None:
    files = dict(IMAGE.files)
    for bent in (
        {fid: c for fid, c in files.items() if fid != Fid.DG2},  # EF.COM lists it
        {fid: c for fid, c in files.items() if fid != Fid.COM},
        {**files, Fid.DG2: files[Fid.DG1]},
        {**files, Fid.SOD: b"\x77\x00"},
        {**files, 0x2F00: b"\x61\x00"},
    ):
        with pytest.raises(ImageError):
            CardImage(bent, IMAGE.keys)
    with pytest.raises(ImageError):
        CardImage(files, ImageKeys(BacKeys("304000018", "040506", "290506")))


def test_an_image_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        IMAGE.files[Fid.DG1] = b""  # type: ignore[index]


# --- hostile bytes ---


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(DECODERS)),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), min_size=1, max_size=4),
    st.integers(-3, 3),
)
def test_a_bent_file_is_read_or_refused_with_a_typed_error(
    fid: int, damage: list[tuple[int, int]], longer: int
) -> None:
    content = bytearray(IMAGE.files[fid])
    for where, change in damage:
        content[where % len(content)] ^= change
    bent = bytes(content[:longer] if longer < 0 else content + bytes(longer))
    try:
        DECODERS[fid](bent)
    except DocumentError:
        return
    assert longer == 0


@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=200))
def test_noise_is_refused_by_every_decoder(fid: int, noise: bytes) -> None:
    for tagged in (noise, der.tlv(IMAGE.files[fid][0], noise)):
        with pytest.raises(DocumentError):
            DECODERS[fid](tagged)


@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), max_size=3), st.binary(max_size=9))
def test_a_damaged_image_is_refused(damage: list[tuple[int, int]], tail: bytes) -> None:
    frozen = IMAGE.to_bytes()
    data = bytearray(frozen + tail)
    for where, change in damage:
        data[where % len(frozen)] ^= change
    if bytes(data) == frozen:
        return
    try:
        image = CardImage.from_bytes(bytes(data))
    except ImageError:
        return
    assert image.to_bytes() == bytes(data)
