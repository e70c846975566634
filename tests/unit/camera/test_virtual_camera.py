"""The virtual camera behaves as a sensor does: light, exposure, gain, noise, delay."""

from __future__ import annotations

import numpy as np
import pytest
from support.portrait import settle

from drivers.api import CameraControls
from drivers.errors import DeviceGone
from drivers.virtual.camera import CONTROL_DELAY_FRAMES, VirtualCamera
from drivers.virtual.sitter_wear import Wear


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


def rows_of_the_wall(camera: VirtualCamera) -> np.ndarray:
    return camera.preview(1.0).bgr[:, :60].mean(axis=(1, 2))


def test_pulsing_lamps_make_bands_at_short_exposures_only() -> None:
    with VirtualCamera() as camera:
        camera.flicker(0.9)
        camera.set_controls(CameraControls(exposure_us=10_000, gain=2.0))
        settle(camera)
        steady = rows_of_the_wall(camera).std()
        camera.set_controls(CameraControls(exposure_us=3_000, gain=6.0))
        settle(camera)
        banded = rows_of_the_wall(camera)
    assert steady < 3
    assert banded.std() > 10


def test_the_automatic_exposure_keeps_to_whole_pulses_where_there_is_time() -> None:
    with VirtualCamera() as camera:
        told = set()
        for lux in (50, 300, 500):
            camera.lux(lux)
            settle(camera)
            told.add(camera.preview(1.0).metadata.exposure_us)
    assert told <= {10_000, 20_000}


def test_a_street_lamp_is_yellow_beyond_what_white_balance_mends() -> None:
    def wall(share: float) -> np.ndarray:
        with VirtualCamera() as camera:
            camera.sodium(share)
            settle(camera)
            return camera.preview(1.0).bgr[:60, :60].mean(axis=(0, 1))

    white, yellow = wall(0.0), wall(1.0)
    assert abs(float(white[0] - white[2])) < 15
    assert yellow[0] < yellow[1] - 60


def test_light_behind_makes_the_face_dark_and_a_cover_all() -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(3)
        settle(camera)
        lit = camera.preview(1.0).bgr[200:260, 290:350].mean()
        camera.backlight(6000)
        settle(camera)
        shaded = camera.preview(1.0).bgr[200:260, 290:350].mean()
        camera.cover(True)
        settle(camera)
        covered = camera.preview(1.0).bgr.mean()
    assert shaded < 0.5 * lit
    assert covered < 10


@pytest.mark.parametrize(
    "wear", [Wear(mask=True), Wear(glasses="dark"), Wear(scarf=True), Wear(hand=True)], ids=str
)
def test_what_is_worn_is_seen_and_taken_off_again(wear: Wear) -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(3)
        settle(camera)
        bare = camera.preview(1.0).bgr.astype(int)
        camera.sitter.sit(wear=wear)
        worn = camera.preview(1.0).bgr.astype(int)
        camera.sitter.sit()
        again = camera.preview(1.0).bgr.astype(int)
    assert np.abs(worn - bare).max() > 40
    assert np.abs(again - bare).mean() < 3
