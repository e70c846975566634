"""WSQ: read back before it is kept, and refused where it would not give the finger back."""

from __future__ import annotations

import numpy as np
import pytest
from support.fingers import SHAPE, ridges, shared

from drivers.api import FingerImage
from firmware.quality.wsq_picture import LEAST_PSNR_DB, WsqRefused, from_wsq, psnr_db, to_wsq


def test_a_finger_is_a_twelfth_and_nearly_the_same() -> None:
    image = FingerImage(ridges())
    data = to_wsq(image)
    assert image.pixels.size / len(data) > 8
    assert b"PPI 500" in data[:200]
    assert from_wsq(data).shape == SHAPE
    assert psnr_db(image.pixels, from_wsq(data)) >= LEAST_PSNR_DB


def test_real_prints_pass() -> None:
    for file in ("sfinge_01.png", "nist_cmp00001.png", "lfp_arch.png"):
        assert to_wsq(shared(file).image)


def test_noise_is_not_what_wsq_is_made_for() -> None:
    noise = np.random.default_rng(1).integers(0, 256, SHAPE).astype(np.uint8)
    with pytest.raises(WsqRefused, match="dB"):
        to_wsq(FingerImage(noise))


def test_another_resolution_is_refused_for_wsq_says_500() -> None:
    with pytest.raises(WsqRefused, match="508"):
        to_wsq(FingerImage(ridges(), ppi=508))


def test_another_size_is_nothing_alike() -> None:
    assert psnr_db(ridges(), ridges()[:-1]) == 0.0
