"""What every `drivers.api.Camera` must hold, whatever it is made of: subclass and give it a `make`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from drivers.api import Camera, CameraControls
from drivers.errors import DeviceRefused

Make = Callable[[], Camera]
FRAME_S = 5.0  # over anything a camera needs for its first frame
SETTLED_FRAMES = 30
EXPOSURE_US = 5000
NEAR = 0.05  # sensors round to whole lines


class CameraContract:
    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError

    def test_a_preview_is_640_by_480_bgr(self, make: Make) -> None:
        with make() as camera:
            frame = camera.preview(FRAME_S)
        assert frame.bgr.shape == (480, 640, 3)
        assert frame.bgr.dtype == np.uint8
        assert frame.bgr.flags.c_contiguous

    def test_a_still_is_larger_or_whole(self, make: Make) -> None:
        with make() as camera:
            still = camera.still(FRAME_S).bgr
        assert still.dtype == np.uint8
        assert still.shape[0] >= 480
        assert still.shape[2] == 3

    def test_frame_times_never_run_back(self, make: Make) -> None:
        with make() as camera:
            times = [camera.preview(FRAME_S).at_s for _ in range(3)] + [camera.still(FRAME_S).at_s]
        assert times == sorted(times)

    def test_what_it_obeys_are_names_of_camera_controls(self, make: Make) -> None:
        with make() as camera:
            assert camera.controls() <= {"exposure_us", "gain", "white_balance_locked"}

    def test_a_wanted_exposure_shows_in_the_metadata_of_later_frames(self, make: Make) -> None:
        with make() as camera:
            if "exposure_us" not in camera.controls():
                pytest.skip("has no exposure control, and says so")
            camera.set_controls(CameraControls(exposure_us=EXPOSURE_US, gain=2.0))
            told = [camera.preview(FRAME_S).metadata.exposure_us for _ in range(SETTLED_FRAMES)]
        assert told[-1] == pytest.approx(EXPOSURE_US, rel=NEAR)

    def test_automatic_again_is_always_allowed(self, make: Make) -> None:
        with make() as camera:
            camera.set_controls(CameraControls(EXPOSURE_US, gain=2.0, white_balance_locked=True))
            camera.set_controls(CameraControls())
            assert camera.preview(FRAME_S).bgr.size

    def test_a_closed_camera_refuses(self, make: Make) -> None:
        camera = make()
        with camera:
            camera.preview(FRAME_S)
        with pytest.raises(DeviceRefused):
            camera.preview(0.1)

    def test_it_opens_again_after_it_was_closed(self, make: Make) -> None:
        camera = make()
        for _ in range(2):
            with camera:
                assert camera.preview(FRAME_S).bgr.size

    def test_it_says_what_it_is(self, make: Make) -> None:
        with make() as camera:
            assert camera.info.kind == "camera"
            assert camera.info.model
