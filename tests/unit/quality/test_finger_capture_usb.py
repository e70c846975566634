"""A made-up finger, through the virtual sensor's registers and the real driver, becomes a sample."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fingers import Clock

from config.rulepack import rule_packs
from drivers.api import Deadline, FingerImage
from drivers.errors import UserRetry
from drivers.fingerprint.uru4000 import Uru4000
from drivers.virtual.skin import Finger, impression
from drivers.virtual.usb_sensor import VirtualSensor
from firmware.quality.best import FingerRules, Measure, Score, Verdict, decide
from firmware.quality.finger import FingerQuality
from firmware.quality.finger_capture import capture_finger

FINGER = Finger(7, "right_index")
RULES = FingerRules.of(rule_packs()["7/2024"])


class World:
    """The virtual sensor with a driver on it, and what the screen was told."""

    def __init__(self, glass: VirtualSensor, sensor: Uru4000) -> None:
        self.glass = glass
        self.sensor = sensor
        self.shown: list[FingerQuality] = []

    def preview(self, image: FingerImage, quality: FingerQuality, best: Score | None) -> None:
        assert image.pixels.shape == (290, 384)
        self.shown.append(quality)


@pytest.fixture
def world() -> Iterator[World]:
    glass = VirtualSensor()
    with Uru4000(backend=glass) as sensor:
        yield World(glass, sensor)


def test_a_plain_finger_on_the_glass_becomes_a_good_sample(world: World) -> None:
    world.glass.place(impression(FINGER, 0))
    sample = capture_finger(world.sensor, world.preview, None, Deadline.after(5.0))
    assert decide(FINGER.position, [sample.score], RULES).verdict is Verdict.GOOD
    assert sample.score.measure is Measure.ESTIMATE
    assert len(world.shown) == sample.frames
    assert all(quality.hint is None for quality in world.shown)


def test_a_dry_and_a_wet_finger_read_so_through_the_sensor(world: World) -> None:
    """Neither gets good enough to end a touch: each may have five frames."""
    wetness = []
    for pixels in (impression(FINGER, 0, dry=0.9), impression(FINGER, 0), impression(FINGER, 0, wet=0.9)):
        world.glass.place(pixels)
        world.shown.clear()
        sample = capture_finger(
            world.sensor, world.preview, None, Deadline.after(5.0, lambda: float(len(world.shown)))
        )
        wetness.append(sample.quality.wetness)
        world.glass.lift()
        assert world.sensor.await_finger(False, 5.0)
    assert wetness == sorted(wetness)


def test_a_sensors_death_on_the_way_spoils_nothing(world: World) -> None:
    world.glass.place(impression(FINGER, 0))
    world.glass.die()
    sample = capture_finger(world.sensor, world.preview, None, Deadline.after(5.0))
    assert sample.quality.coverage > 0.5


def test_nobody_at_the_sensor_is_no_finger(world: World) -> None:
    clock = Clock()
    with pytest.raises(UserRetry, match="no_finger"):
        capture_finger(world.sensor, world.preview, None, Deadline(clock.now_s, clock))
