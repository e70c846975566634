"""The true resolution of a sensor, from lines at a known pitch."""

from __future__ import annotations

import numpy as np
import pytest
from support.finger_bench import driver
from support.fingers import SHAPE, ridges

from drivers.api import FingerImage, Pixels
from drivers.virtual.usb_sensor import VirtualSensor
from firmware.calibrate import NoScale, calibrate, resolution


def scale(ppi: float, pitch_mm: float = 1.0, upright: bool = True, tilt: float = 0.0) -> Pixels:
    """A film with lines a quarter of the pitch wide, as a sensor of this resolution sees it."""
    down, right = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float64)
    along = (right + tilt * down if upright else down + tilt * right) / ppi * 25.4
    line = np.abs(along / pitch_mm % 1 - 0.5) < 0.125
    noisy = np.where(line, 60, 235) + np.random.default_rng(1).normal(0, 6, SHAPE)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("ppi", [475, 490, 500, 508, 512, 530])
@pytest.mark.parametrize("upright", [True, False])
def test_the_resolution_is_found_to_half_a_percent(ppi: int, upright: bool) -> None:
    found = resolution(FingerImage(scale(ppi, upright=upright)), 1.0)
    assert found.axis == ("across" if upright else "down")
    assert found.ppi == pytest.approx(ppi, rel=0.005)
    assert found.as_labelled == (abs(ppi - 500) <= 5)


def test_a_finger_or_an_empty_glass_is_no_scale() -> None:
    for pixels in (ridges(), np.full(SHAPE, 250, np.uint8)):
        with pytest.raises(NoScale):
            resolution(FingerImage(pixels), 1.0)


def test_a_film_of_another_pitch_than_said_is_no_scale() -> None:
    with pytest.raises(NoScale):
        resolution(FingerImage(scale(500, pitch_mm=0.8)), 1.0)
    with pytest.raises(NoScale, match="suit"):
        resolution(FingerImage(scale(500)), 9.0)


def test_the_line_says_what_to_set() -> None:
    glass = VirtualSensor()
    glass.place(scale(515))
    with driver(glass) as sensor:
        assert "[finger] ppi = 515" in calibrate(sensor, 1.0)


def test_a_calibrated_sensor_gives_500_ppi() -> None:
    glass = VirtualSensor()
    glass.place(scale(515))
    with driver(glass, ppi=515) as sensor:
        image = sensor.frame(2.0)
    assert image.ppi == 500
    assert resolution(image, 1.0).as_labelled
