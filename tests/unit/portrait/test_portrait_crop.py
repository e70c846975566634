"""The picture on the card and its encodings."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import cv2
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
from firmware.quality.portrait_face import Face


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


def test_jpeg_2000_is_true_to_the_crop_in_a_decoder_that_is_not_ours(
    crop: np.ndarray, tmp_path: Path
) -> None:
    opj = shutil.which("opj_decompress")
    if opj is None:
        pytest.skip("libopenjp2-tools is not installed")
    (tmp_path / "dg2.jp2").write_bytes(encode_jp2(crop))
    subprocess.run([opj, "-i", "dg2.jp2", "-o", "dg2.png"], cwd=tmp_path, check=True, capture_output=True)
    back = cv2.imread(str(tmp_path / "dg2.png"))
    assert back is not None
    assert cv2.PSNR(back, crop) >= 36


def test_the_crop_is_within_the_limits_of_the_standard(crop: np.ndarray) -> None:
    """ISO/IEC 19794-5, 8.3 (full frontal, eye line and centre) and ICAO Doc 9303-3 (head 70 to 80 %)."""
    found = gate().check_crop(crop)
    assert found.face is not None
    assert 0.45 <= found.measures["face_x"] <= 0.55
    assert 0.30 <= found.measures["eye_line"] <= 0.50
    assert found.measures["eye_distance_px"] >= 90
    assert abs(found.measures["roll_deg"]) <= 2
    chin_to_eyes = found.face.eyes_to_chin_px / HEIGHT_PX
    assert 0.33 <= chin_to_eyes <= 0.40


def test_no_pixel_of_the_crop_is_brighter_or_darker_than_the_stills() -> None:
    still = np.full((960, 1280, 3), 100, np.uint8)
    still[::2, ::2] = 140
    points = np.zeros((468, 3), np.float32)
    for point, at in {33: (560, 440), 133: (600, 440), 362: (680, 440), 263: (720, 440)}.items():
        points[point, :2] = at
    points[152, :2] = (640, 660)
    points[454] = (1, 0, 0)
    cut = crop_portrait(still, Face(points)).astype(int)
    assert abs(float(cut.mean()) - float(still.mean())) < 1


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
