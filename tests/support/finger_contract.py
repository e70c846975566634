"""What every `FingerSensor` must do, whatever it is made of.

A `Bench` is one sensor and the hands that act on it; with a real one a person is asked. Call `check_session`
for all of them, and `check_quiet` where an empty glass can be arranged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from drivers.api import FingerImage, FingerSensor

FINGER_S = 20.0
FRAME_S = 5.0


class Hands(Protocol):
    """Acts on the glass: places and lifts a finger, or asks somebody to."""

    def place(self) -> None: ...
    def lift(self) -> None: ...


@dataclass(frozen=True)
class Bench:
    sensor: FingerSensor
    hands: Hands
    finger_s: float = FINGER_S


def check_session(bench: Bench) -> FingerImage:
    """One touch from an empty glass to an empty glass; returns its picture."""
    with bench.sensor as sensor:
        assert sensor.info.kind == "finger"
        assert sensor.info.model
        bench.hands.place()
        assert sensor.await_finger(True, bench.finger_s)
        image = sensor.frame(FRAME_S)
        check_image(image)
        bench.hands.lift()
        assert sensor.await_finger(False, bench.finger_s)
    return image


def check_quiet(bench: Bench) -> None:
    """With nothing on the glass: no finger is reported in time, a frame comes all the same, twice over."""
    bench.hands.lift()
    for _ in range(2):  # a sensor can be opened again
        with bench.sensor as sensor:
            begun = time.monotonic()
            assert not sensor.await_finger(True, 0.05)
            assert time.monotonic() - begun < 5.0
            check_image(sensor.frame(FRAME_S))
            assert sensor.await_finger(False, bench.finger_s)
            sensor.rest(FRAME_S)  # asleep, and awake again for the next call
            check_image(sensor.frame(FRAME_S))


def check_image(image: FingerImage) -> None:
    """The promise of `FingerImage`: grey, finger-sized at its ppi, light where nothing lies."""
    height, width = image.pixels.shape
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert image.ppi >= 500
    assert 10.0 <= height / image.ppi * 25.4 <= 40.0
    assert 10.0 <= width / image.ppi * 25.4 <= 40.0
    assert np.percentile(image.pixels, 95) > 128
