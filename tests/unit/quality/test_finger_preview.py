"""The live measure: what is no finger never passes, what is one gets a hint by cause."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fingers import SHAPE, Shared, blank, ridges, shared, shared_fingers

from config.rulepack import rule_packs
from drivers.api import FingerImage, Pixels
from firmware.quality.best import FingerRules
from firmware.quality.finger import CLEAR, FingerQuality, NotAFinger, measure, shift_mm

RULES = FingerRules.of(rule_packs()["7/2024"])
DOWN, RIGHT = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]


def noise(sigma: float) -> Pixels:
    grain = np.random.default_rng(3).standard_normal(SHAPE)
    if sigma:
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), sigma))
    return np.asarray(np.clip(128 + 70 * grain / grain.std(), 0, 255), np.uint8)


def print_of_a_page() -> Pixels:
    page = np.full(SHAPE, 255, np.uint8)
    for line in range(14):
        cv2.putText(page, "The quick brown fox jumps", (5, 20 + 20 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0)
    return page


NO_FINGERS = {
    "white": blank(),
    "black": np.zeros(SHAPE, np.uint8),
    "grey": np.full(SHAPE, 128, np.uint8),
    "gradient": (RIGHT * 255 / SHAPE[1]).astype(np.uint8),
    "faint noise": (250 + np.random.default_rng(1).integers(-3, 4, SHAPE)).astype(np.uint8),
    "white noise": noise(0),
    "noise of 1 px": noise(1),
    "noise of ridge size": noise(2),
    "noise of 3 px": noise(3),
    "salt": np.where(np.random.default_rng(2).random(SHAPE) < 0.05, 0, 255).astype(np.uint8),
    "grating": (128 + 100 * np.sin(2 * np.pi * (RIGHT + 0.3 * DOWN) / 9)).astype(np.uint8),
    "chessboard": (((RIGHT // 5 + DOWN // 5) % 2) * 255).astype(np.uint8),
    "print": print_of_a_page(),
    "one pixel": np.zeros((1, 1), np.uint8),
    "nothing": np.zeros((0, 0), np.uint8),
}


@pytest.mark.parametrize("name", NO_FINGERS)
def test_what_is_no_finger_does_not_pass(name: str) -> None:
    with pytest.raises(NotAFinger):
        measure(FingerImage(NO_FINGERS[name]))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((290, 384, 3), np.uint8), np.zeros((290, 384), np.float32), np.zeros((20, 1001), np.uint8)],
)
def test_what_no_sensor_sends_is_refused(pixels: Pixels) -> None:
    with pytest.raises(ValueError, match="no finger picture"):
        measure(FingerImage(pixels))


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(0, 300), st.floats(0.3, 12))
@settings(max_examples=60, deadline=None)
def test_no_texture_whatever_breaks_the_measure(seed: int, height: int, width: int, coarse: float) -> None:
    random = np.random.default_rng(seed)
    grain = random.normal(size=(height, width))
    if grain.size:
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), coarse))
    pixels = np.clip(128 + random.uniform(0, 4000) * grain, 0, 255).astype(np.uint8)
    try:
        quality = measure(FingerImage(pixels, ppi=int(random.choice([250, 500, 508, 1000]))))
    except NotAFinger:
        return
    assert 0 <= quality.score <= 100


@pytest.fixture(scope="module")
def measured() -> list[tuple[Shared, FingerQuality | None]]:
    """Each shared picture with its measure, None where it is no finger."""

    def measure_or_none(image: FingerImage) -> FingerQuality | None:
        try:
            return measure(image)
        except NotAFinger:
            return None

    return [(finger, measure_or_none(finger.image)) for finger in shared_fingers()]


def test_every_finger_that_nfiq2_scores_is_measured(
    measured: list[tuple[Shared, FingerQuality | None]],
) -> None:
    for finger, quality in measured:
        if finger.nfiq2 is not None:
            assert quality is not None, finger.file
            assert 0 <= quality.score <= 100, finger.file
            assert 0 < quality.coverage <= 1, finger.file
            assert -1 <= quality.wetness <= 1, finger.file


def test_what_nfiq2_fails_on_is_not_estimated_good_enough(
    measured: list[tuple[Shared, FingerQuality | None]],
) -> None:
    for finger, quality in measured:
        if finger.nfiq2 is None:
            assert quality is None or quality.score < max(RULES.least.values()), finger.file
        if finger.kind == "blank":
            assert quality is None, finger.file


def test_the_estimate_ranks_pictures_as_nfiq2_does(
    measured: list[tuple[Shared, FingerQuality | None]],
) -> None:
    """A guard of constants and texture together; how well it does on unseen fingers is a benchmark."""
    pairs = [
        (finger.nfiq2, quality.score)
        for finger, quality in measured
        if finger.nfiq2 is not None and quality is not None
    ]
    true, guess = (np.argsort(np.argsort(values)) for values in zip(*pairs, strict=True))
    assert np.corrcoef(true, guess)[0, 1] > 0.75


def test_a_clear_finger_has_no_hint() -> None:
    quality = measure(shared("sfinge_01.png").image)
    assert quality.score >= CLEAR
    assert quality.hint is None
    assert quality.cause, "should NFIQ 2 think otherwise there is still something to say"


@pytest.mark.parametrize("base", ["sfinge_01", "sfinge_02", "sfinge_03", "nist_cmp00001", "nist_cmp00007"])
def test_dry_reads_drier_and_wet_reads_wetter_than_the_same_finger_as_it_is(base: str) -> None:
    dry, plain, wet = (
        measure(shared(f"{base}{kind}.png").image).wetness for kind in ("__dry1", "", "__wet5")
    )
    assert dry < plain < wet


def test_a_dry_finger_with_broken_ridges_is_told_to_be_moistened() -> None:
    assert measure(shared("nist_cmp00007__dry1.png").image).hint == "moisten"


def test_a_wet_finger_is_told_to_be_dried_or_pressed_less() -> None:
    assert measure(shared("nist_cmp00009__wet5.png").image).hint in ("dry", "press_less")


@pytest.mark.parametrize(
    ("right_px", "down_px", "hint"),
    [(0, 110, "up"), (0, -110, "down"), (150, 0, "centre"), (-150, 0, "centre")],
)
def test_a_finger_at_the_edge_is_told_which_way(right_px: float, down_px: float, hint: str) -> None:
    quality = measure(FingerImage(ridges(right_px=right_px, down_px=down_px, size_px=90)))
    right_mm, down_mm = quality.offset_mm
    assert (right_px > 0) == (right_mm > 1) and (down_px > 0) == (down_mm > 1)
    assert quality.hint == hint


def test_a_light_touch_is_told_to_press_more() -> None:
    assert measure(FingerImage(ridges(size_px=70, grain=30))).hint == "press_more"


def test_less_of_the_finger_is_less_coverage() -> None:
    large, small = (measure(FingerImage(ridges(size_px=size))) for size in (170, 80))
    assert small.coverage < large.coverage
    assert small.area_cm2 < large.area_cm2


def test_worn_ridges_score_below_the_same_finger_unworn() -> None:
    for base in ("sfinge_01", "sfinge_02", "nist_cmp00001", "nist_cmp00009"):
        plain, worn = (measure(shared(f"{base}{kind}.png").image).score for kind in ("", "__worn0.8"))
        assert worn < plain, base


def test_a_finger_that_slid_is_seen_to_have_moved() -> None:
    image = shared("sfinge_01.png").image.pixels
    here, there = FingerImage(image[100:390, 10:394]), FingerImage(image[124:414, 10:394])
    assert shift_mm(here, there) == pytest.approx(24 / 500 * 25.4, abs=0.15)
    assert shift_mm(here, here) == pytest.approx(0, abs=0.01)
