"""Made-up fingers: the same for a seed, different from each other, and never touched the same way twice."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import cv2
import numpy as np
import pytest

from drivers.api import Pixels
from drivers.virtual.ridge_flow import Pattern, draw, orientation, period
from drivers.virtual.ridges import grow
from drivers.virtual.skin import POSITIONS, Finger, impression

FINGER = Finger(1, "right_ring")
PATCH_PX = 64


def likeness(a: Pixels, b: Pixels) -> float:
    """How well the middle of `a` is found again near the middle of `b`, turned a little; 1 is the same."""
    height, width = a.shape
    y, x = (height - PATCH_PX) // 2, (width - PATCH_PX) // 2
    best = 0.0
    for degrees in range(-10, 11, 2):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        turned = cv2.warpAffine(a, turn, (width, height), borderValue=255)
        patch = turned[y : y + PATCH_PX, x : x + PATCH_PX]
        near = b[y - 24 : y + PATCH_PX + 24, x - 24 : x + PATCH_PX + 24]
        best = max(best, float(cv2.matchTemplate(near, patch, cv2.TM_CCOEFF_NORMED).max()))
    return best


def test_the_same_touch_is_the_same_picture() -> None:
    np.testing.assert_array_equal(impression(FINGER, 1), impression(Finger(1, "right_ring"), 1))


def test_a_second_touch_is_another_picture_of_the_same_finger() -> None:
    first, second = impression(FINGER, 1), impression(FINGER, 2)
    assert np.count_nonzero(first != second) > first.size / 2
    assert likeness(first, second) > 0.6


def test_the_fingers_of_a_person_and_of_two_persons_differ() -> None:
    prints = [impression(Finger(seed, position), 1) for seed in (1, 2) for position in POSITIONS[:4]]
    assert max(likeness(a, b) for a, b in combinations(prints, 2)) < 0.55


def test_an_impression_is_dark_ridges_on_a_light_ground_that_fill_most_of_the_frame() -> None:
    pixels = impression(FINGER, 1)
    assert pixels.shape == (290, 384)
    assert pixels.dtype == np.uint8
    assert min(pixels[:8, :8].min(), pixels[-8:, -8:].min()) > 200
    touched = cv2.blur(pixels, (15, 15)) < 190
    assert 0.5 < touched.mean() < 0.9


def test_ridges_are_half_a_millimetre_apart() -> None:
    middle = impression(FINGER, 1)[81:209, 128:256].astype(float)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(middle - middle.mean())))
    y, x = np.indices(spectrum.shape) - 64
    ring = np.bincount(np.hypot(x, y).astype(int).ravel(), spectrum.ravel())[:40]
    assert 7.0 <= 128 / int(ring.argmax()) <= 12.0


def test_a_moved_finger_is_where_it_was_moved_to() -> None:
    def centre_x(pixels: Pixels) -> float:
        return float(np.nonzero(cv2.blur(pixels, (15, 15)) < 190)[1].mean())

    moved = impression(FINGER, 1, offset=(60, 0))
    assert centre_x(moved) - centre_x(impression(FINGER, 1)) > 30


@pytest.mark.parametrize("trouble", ["dry", "worn", "wet"])
def test_trouble_shows(trouble: str) -> None:
    levels: list[dict[str, Any]] = [{trouble: level} for level in (0.0, 0.5, 1.0)]
    clean, some, much = (impression(FINGER, 1, **level) for level in levels)
    assert 0.98 > likeness(clean, some) > likeness(clean, much)


@pytest.mark.parametrize("what", ["dry", "wet", "worn", "pressure"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(what: str, value: float) -> None:
    share: dict[str, Any] = {what: value}
    with pytest.raises(ValueError, match=what):
        impression(FINGER, 1, **share)


def test_a_finger_needs_a_position() -> None:
    with pytest.raises(ValueError, match="left_toe"):
        Finger(1, "left_toe")


@pytest.mark.parametrize("pattern", list(Pattern))
def test_the_orientation_turns_half_around_each_core_and_back_around_each_delta(pattern: Pattern) -> None:
    flow = draw(pattern, np.random.default_rng(3))
    angle = orientation(flow, np.zeros((460, 420), np.float32))
    for point in flow.points:
        around = np.linspace(0, 2 * np.pi, 73)
        x = np.rint(210 + point.x + 8 * np.cos(around)).astype(int)
        y = np.rint(230 + (point.y / flow.tallness) - 8 * np.sin(around)).astype(int)
        if not (x.min() >= 0 and x.max() < 420 and y.min() >= 0 and y.max() < 460):
            continue
        steps = np.diff(2 * angle[y, x])
        turns = np.sum((steps + np.pi) % (2 * np.pi) - np.pi) / (4 * np.pi)
        assert round(float(turns) * 2) / 2 == point.index


def test_straight_ridges_keep_the_mean_distance() -> None:
    straight = np.zeros((160, 160), np.float32)
    np.testing.assert_allclose(period(straight, 9.0), 9.0, rtol=1e-3)
    ridges = grow(straight, np.full_like(straight, 9.0), np.random.default_rng(0))
    spectrum = np.abs(np.fft.fft(ridges, axis=0)).sum(axis=1)[1:80]
    assert abs(160 / (1 + int(spectrum.argmax())) - 9.0) < 0.8
