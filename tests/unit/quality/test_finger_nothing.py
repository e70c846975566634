"""What lies there instead of one finger: each has its own message, and none is ever taken."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.fingers import SHAPE, Clock, ScriptedSensor, blank, ridges, sleeve, two_fingers

from drivers.api import Deadline, FingerImage, Pixels
from drivers.errors import UserRetry
from firmware.quality.finger import NotAFinger, measure
from firmware.quality.finger_capture import capture_finger

RANDOM = np.random.default_rng(4)


def noise() -> Pixels:
    return np.clip(RANDOM.normal(128, 60, SHAPE), 0, 255).astype(np.uint8)


THERE = {
    "an empty glass": (blank(), "blank"),
    "a dusty glass": (cv2.GaussianBlur(blank(), (0, 0), 3), "blank"),
    "black": (np.zeros(SHAPE, np.uint8), "covered"),
    "a thumb on the lamp": (np.full(SHAPE, 60, np.uint8), "covered"),
    "noise": (noise(), "no_ridges"),
    "a sleeve": (sleeve(), "no_ridges"),
    "two fingers": (two_fingers(), "one_finger"),
}


@pytest.mark.parametrize("what", THERE)
def test_what_is_not_one_finger_has_its_own_message(what: str) -> None:
    pixels, reason = THERE[what]
    with pytest.raises(NotAFinger) as nothing:
        measure(FingerImage(np.asarray(pixels, np.uint8)))
    assert nothing.value.reason == reason


@pytest.mark.parametrize("what", THERE)
def test_it_ends_the_touch_after_three_frames_with_that_message(what: str) -> None:
    pixels, reason = THERE[what]
    clock = Clock()
    sensor = ScriptedSensor(clock, [np.asarray(pixels, np.uint8)])
    with pytest.raises(UserRetry) as retry:
        capture_finger(sensor, lambda *_: None, None, Deadline.after(20.0, clock))
    assert (retry.value.reason, sensor.taken) == (reason, 3)


def test_a_finger_among_them_is_still_taken() -> None:
    clock = Clock()
    sensor = ScriptedSensor(clock, [two_fingers(), ridges(), ridges(), ridges(), ridges()])
    assert capture_finger(sensor, lambda *_: None, None, Deadline.after(20.0, clock)).frames >= 1


@pytest.mark.parametrize("shape", [(290, 384, 3), (20, 1001), (0, 0)])
def test_a_picture_of_a_wrong_size_is_no_finger_and_breaks_nothing(shape: tuple[int, ...]) -> None:
    with pytest.raises((ValueError, NotAFinger)):
        measure(FingerImage(np.zeros(shape, np.uint8)))
