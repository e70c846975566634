"""Each measure answers to the thing it measures, and to nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from firmware.quality import portrait_measures as measure
from firmware.quality.portrait_face import Face, Upright, upright

SIZE = (402, 324)  # height, width of an upright face at 120 px between the eyes


def face_on(bgr: np.ndarray) -> Upright:
    """An upright face whose points lie where a face's do, on any picture."""
    points = np.zeros((468, 3), np.float32)
    middle = np.array((162, 150), np.float32)
    for point, at in {
        33: (-80, 0),
        133: (-40, 0),
        362: (40, 0),
        263: (80, 0),
        50: (-60, 70),
        280: (60, 70),
    }.items():
        points[point, :2] = middle + at
    skin = np.zeros(SIZE, bool)
    skin[60:360, 60:264] = True
    return Upright(bgr.astype(np.uint8), skin, 120.0, Face(points))


def flat(level: int) -> np.ndarray:
    return np.full((*SIZE, 3), level, np.uint8)


@pytest.mark.parametrize("sigma", [2.0, 4.0, 6.0])
def test_noise_is_its_standard_deviation(sigma: float) -> None:
    grains = np.random.default_rng(1).normal(0, sigma, SIZE)
    noisy = np.clip(flat(120) + grains[..., None], 0, 255)
    assert measure.noise(face_on(noisy)) == pytest.approx(sigma, rel=0.15)


def test_a_flat_face_has_no_noise() -> None:
    assert measure.noise(face_on(flat(100))) == 0


def test_blur_lowers_sharpness_and_noise_does_not_stand_for_it() -> None:
    drawn = flat(160)
    for x in range(70, 260, 24):
        cv2.line(drawn, (x, 60), (x, 350), (40, 40, 40), 3)
    sharp = measure.sharp98(face_on(drawn))
    softs = [measure.sharp98(face_on(cv2.GaussianBlur(drawn, (0, 0), sigma))) for sigma in (1.5, 3)]
    assert sharp > softs[0] > softs[1]
    grains = np.random.default_rng(1).normal(0, 5, (*SIZE, 1))
    assert measure.sharp98(face_on(np.clip(flat(120) + grains, 0, 255))) < 0.16


@pytest.mark.parametrize(
    ("level", "under", "over"), [(10, 1, 0), (25, 1, 0), (26, 0, 0), (246, 0, 0), (247, 0, 1)]
)
def test_exposure_counts_the_ends_of_the_scale(level: int, under: int, over: int) -> None:
    face = face_on(flat(level))
    assert (measure.under_exposed(face), measure.over_exposed(face)) == (under, over)


def test_light_ratio_is_of_linear_light() -> None:
    bgr = flat(200)
    bgr[:, 162:] = 148  # half the light of 200 on the sRGB curve
    assert measure.light_ratio(face_on(bgr)) == pytest.approx(2.0, rel=0.05)
    assert measure.light_ratio(face_on(flat(90))) == pytest.approx(1.0)


def test_illumination_uniformity_is_one_for_equal_cheeks_and_zero_for_unlike_ones() -> None:
    bgr = flat(200)
    assert measure.illumination_uniformity(face_on(bgr)) == 1.0
    bgr[:, 162:] = 60
    assert measure.illumination_uniformity(face_on(bgr)) == 0.0


def test_glare_is_looked_for_in_the_eyes_only() -> None:
    bgr = flat(120)
    cv2.circle(bgr, (162, 300), 20, (255, 255, 255), -1)
    assert measure.eye_glare(face_on(bgr)) == 0
    cv2.circle(bgr, (102, 150), 20, (255, 255, 255), -1)
    assert measure.eye_glare(face_on(bgr)) > 0.03
    assert measure.eye_glare(face_on(flat(255))) == 0


def test_background_gradient_leaves_the_person_out() -> None:
    bgr, person = flat(180), np.zeros(SIZE, np.float32)
    person[100:300, 100:220] = 1
    bgr[120:280:4, 120:200] = 0
    assert measure.background_gradient(bgr, person) == 0
    bgr[(np.arange(SIZE[0]) // 12) % 2 == 0] = 0
    assert measure.background_gradient(bgr, person) > 50


def test_a_person_who_fills_the_picture_has_no_background() -> None:
    assert measure.background_gradient(flat(10), np.ones(SIZE, np.float32)) == 0


@pytest.mark.parametrize("degrees", [-20, 0, 8, 20])
def test_a_rolled_face_comes_out_upright_and_at_120_px(degrees: float) -> None:
    points = np.zeros((468, 3), np.float32)
    turn = cv2.getRotationMatrix2D((400, 300), degrees, 1.5)
    for point, at in {33: (300, 300), 133: (340, 300), 362: (460, 300), 263: (500, 300)}.items():
        points[point, :2] = turn @ (*at, 1)
    points[454] = (1, 0, 0)
    face = Face(points)
    turned = upright(np.zeros((600, 800, 3), np.uint8), face)
    left, right = turned.face.eyes
    assert face.roll_deg == pytest.approx(-degrees, abs=0.1)
    assert right[1] == pytest.approx(left[1], abs=0.5)
    assert right[0] - left[0] == pytest.approx(120, abs=0.5)


def test_a_small_face_is_not_enlarged() -> None:
    points = np.zeros((468, 3), np.float32)
    for point, x in {33: 90, 133: 110, 362: 140, 263: 160}.items():
        points[point, :2] = (x, 100)
    points[454] = (1, 0, 0)
    assert upright(np.zeros((200, 300, 3), np.uint8), Face(points)).eye_px == pytest.approx(50)
