"""The QR code of the old card: seven fields, and clear refusals of everything else."""

from __future__ import annotations

import io
import unicodedata

import numpy as np
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.portrait import settle

from drivers.virtual.camera import VirtualCamera
from firmware.quality.qr import OldCardQr, QrError, QrProblem, read_old_card_qr, read_qr

TEXT = "001099000123|012345678|Nguyễn Văn An|01021999|Nam|Số 1, phố Huế, Hà Nội|03042021"
CARD = OldCardQr(
    number="001099000123",
    old_number="012345678",
    full_name="Nguyễn Văn An",
    birth_date="1999-02-01",
    sex="M",
    residence="Số 1, phố Huế, Hà Nội",
    issue_date="2021-04-03",
)


def picture_of(text: str) -> np.ndarray:
    file = io.BytesIO()
    segno.make(text).save(file, kind="png", scale=8)
    return np.asarray(Image.open(file).convert("RGB"))


def test_a_card_is_read_as_its_seven_fields() -> None:
    assert read_old_card_qr(TEXT) == CARD


def test_decomposed_letters_become_nfc() -> None:
    assert read_old_card_qr(unicodedata.normalize("NFD", TEXT)) == CARD


def test_newer_cards_may_append_fields() -> None:
    assert read_old_card_qr(TEXT + "||Nguyễn Văn Bình|Trần Thị Cúc|") == CARD


def test_a_card_without_an_old_number_has_none() -> None:
    assert read_old_card_qr(TEXT.replace("012345678", "")).old_number is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", QrProblem.NOT_A_CARD_QR),
        ("https://example.org/", QrProblem.NOT_A_CARD_QR),
        (TEXT.rsplit("|", 1)[0], QrProblem.NOT_A_CARD_QR),
        (TEXT + "|" * 20, QrProblem.NOT_A_CARD_QR),
        (TEXT.replace("An|", "An\x00|"), QrProblem.NOT_A_CARD_QR),
        (TEXT.replace("An|", "An\n|"), QrProblem.NOT_A_CARD_QR),
        (TEXT + "x" * 600, QrProblem.TOO_LONG),
        (TEXT.replace("001099000123", "00109900012"), QrProblem.BAD_NUMBER),
        (TEXT.replace("001099000123", "00109900012٣"), QrProblem.BAD_NUMBER),
        (TEXT.replace("012345678", "1"), QrProblem.BAD_NUMBER),
        (TEXT.replace("Nguyễn Văn An", ""), QrProblem.BAD_NAME),
        (TEXT.replace("Nguyễn Văn An", "<script>"), QrProblem.BAD_NAME),
        (TEXT.replace("01021999", "31021999"), QrProblem.BAD_DATE),
        (TEXT.replace("01021999", "1999-2-1"), QrProblem.BAD_DATE),
        (TEXT.replace("03042021", "00000000"), QrProblem.BAD_DATE),
        (TEXT.replace("Nam", "X"), QrProblem.BAD_SEX),
        (TEXT.replace("Số 1, phố Huế, Hà Nội", " "), QrProblem.BAD_ADDRESS),
    ],
)
def test_what_is_no_card_is_refused_with_a_reason(text: str, reason: QrProblem) -> None:
    with pytest.raises(QrError) as caught:
        read_old_card_qr(text)
    assert caught.value.reason is reason


@given(st.text(max_size=600))
def test_any_text_is_a_card_or_a_qr_error(text: str) -> None:
    try:
        read_old_card_qr(text)
    except QrError as exc:
        assert exc.reason in QrProblem


def test_a_code_held_before_the_camera_is_read() -> None:
    with VirtualCamera() as camera:
        camera.show_picture(picture_of(TEXT))
        settle(camera)
        text = read_qr(camera.preview(1.0).bgr)
    assert text is not None
    assert read_old_card_qr(text) == CARD


def test_no_code_is_none() -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(3)
        settle(camera)
        assert read_qr(camera.preview(1.0).bgr) is None
