"""The picture on the card and its encodings."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.portrait import gate, settle

from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait_crop import (
    HEIGHT_PX,
    WIDTH_PX,
    PortraitTooLargeError,
    crop_portrait,
    encode_jp2,
    encode_jpeg,
)


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    with VirtualCamera() as camera:
        camera.sitter.sit(5)
        settle(camera)
        still = camera.still(1.0).bgr
    face = gate().check_still(still).face
    assert face is not None
    return crop_portrait(still, face)


def test_a_crop_is_35_by_45_mm_at_300_dpi(crop: np.ndarray) -> None:
    assert crop.shape == (HEIGHT_PX, WIDTH_PX, 3) == (531, 413, 3)


@pytest.mark.parametrize("max_bytes", [8_000, 12_000, 15_000])
def test_jpeg_2000_keeps_within_its_bytes_and_uses_them(crop: np.ndarray, max_bytes: int) -> None:
    data = encode_jp2(crop, max_bytes)
    assert 0.9 * max_bytes < len(data) <= max_bytes
    assert data.startswith(bytes.fromhex("0000000c6a5020200d0a870a"))  # ISO/IEC 15444-1, I.5.1


def test_jpeg_2000_looks_like_the_crop(crop: np.ndarray) -> None:
    back = np.asarray(Image.open(io.BytesIO(encode_jp2(crop))).convert("RGB"))[:, :, ::-1]
    error = np.mean((back.astype(float) - crop) ** 2)
    assert 10 * np.log10(255**2 / error) > 33


def test_a_picture_that_cannot_be_kept_in_its_bytes_is_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (531, 413, 3)).astype(np.uint8)
    with pytest.raises(PortraitTooLargeError):
        encode_jp2(noise, 100)


def test_the_records_jpeg_is_whole_and_says_300_dpi(crop: np.ndarray) -> None:
    with Image.open(io.BytesIO(encode_jpeg(crop))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (413, 531))
        assert picture.info["dpi"] == (300, 300)


def test_a_crop_that_would_reach_beyond_the_still_is_refused() -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(5, aside=3.0)
        settle(camera)
        still = camera.still(1.0).bgr
    face = gate().check_still(still).face
    assert face is not None
    with pytest.raises(ValueError, match="beyond"):
        crop_portrait(still, face)
