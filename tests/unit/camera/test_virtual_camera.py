"""The virtual camera behaves as a sensor does: light, exposure, gain, noise, delay."""

from __future__ import annotations

import numpy as np
import pytest
from support.portrait import settle

from drivers.api import CameraControls
from drivers.errors import DeviceGone
from drivers.virtual.camera import CONTROL_DELAY_FRAMES, VirtualCamera


def noise_of_the_wall(camera: VirtualCamera) -> float:
    first, second = (camera.preview(1.0).bgr[:60, :60].astype(float) for _ in range(2))
    return float((first - second).std())


def test_the_same_seeds_give_the_same_picture() -> None:
    frames = []
    for _ in range(2):
        with VirtualCamera(seed=5) as camera:
            camera.sitter.sit(9)
            frames.append(camera.preview(1.0).bgr)
    assert np.array_equal(*frames)


def test_another_seed_is_another_person() -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(1)
        settle(camera)
        one = camera.preview(1.0).bgr.astype(int)
        camera.sitter.sit(2)
        settle(camera)
        assert np.abs(one - camera.preview(1.0).bgr).mean() > 3


def test_in_the_dark_gain_rises_and_noise_with_it() -> None:
    with VirtualCamera() as camera:
        settle(camera)
        day, day_gain = noise_of_the_wall(camera), camera.preview(1.0).metadata.gain
        camera.lux(12)
        settle(camera)
        night_gain = camera.preview(1.0).metadata.gain
        assert day_gain is not None
        assert night_gain is not None
        assert night_gain > 4 * day_gain
        assert noise_of_the_wall(camera) > 2 * day


def test_lamps_bring_the_gain_down() -> None:
    lamps = [0.0, 0.0]
    with VirtualCamera(light=lambda: (lamps[0], lamps[1])) as camera:
        camera.lux(12)
        settle(camera)
        before = camera.preview(1.0).metadata.gain
        lamps[:] = [1.0, 1.0]
        settle(camera)
        after = camera.preview(1.0).metadata.gain
    assert before is not None
    assert after is not None
    assert after < before / 4


def test_a_control_takes_effect_after_the_frames_in_flight() -> None:
    with VirtualCamera() as camera:
        settle(camera)
        camera.set_controls(CameraControls(exposure_us=1000, gain=1.0))
        told = [camera.preview(1.0).metadata.exposure_us for _ in range(CONTROL_DELAY_FRAMES + 1)]
    assert told[-1] == 1000
    assert 1000 not in told[: CONTROL_DELAY_FRAMES - 1]


def test_twice_the_exposure_is_twice_the_light() -> None:
    def wall(exposure_us: int) -> float:
        with VirtualCamera() as camera:
            camera.set_controls(CameraControls(exposure_us=exposure_us, gain=1.0))
            settle(camera)
            return float(np.mean((camera.preview(1.0).bgr[:60, :60] / 255.0) ** 2.2))

    assert wall(8000) / wall(4000) == pytest.approx(2.0, rel=0.1)


def test_unplugged_it_is_gone_until_plugged_again() -> None:
    camera = VirtualCamera()
    with camera:
        camera.unplug()
        with pytest.raises(DeviceGone):
            camera.preview(1.0)
    with pytest.raises(DeviceGone), camera:
        pass
    camera.plug()
    with camera:
        assert camera.preview(1.0).bgr.size


def test_frames_come_at_thirty_a_second_of_its_own_time() -> None:
    with VirtualCamera() as camera:
        times = [camera.preview(1.0).at_s for _ in range(31)]
    assert times[-1] - times[0] == pytest.approx(1.0)


def test_unplugging_wakes_whoever_waits_for_a_paced_frame() -> None:
    camera = VirtualCamera(paced=True, clock=lambda: 0.0)
    with camera:
        camera.unplug()
        with pytest.raises(DeviceGone):
            camera.preview(1.0)
