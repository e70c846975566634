"""The contract of `drivers.api.Camera`, run over every camera that can run without hardware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.picamera import fresh

from drivers.api import Camera, CameraControls
from drivers.camera.pi import PiCamera
from drivers.camera.pictures import PictureCamera
from drivers.camera.usb import UsbCamera
from drivers.errors import DeviceGone, DeviceRefused
from drivers.virtual.camera import VirtualCamera


class FakeCapture:
    """Stands for cv2.VideoCapture on a V4L2 camera that obeys exposure."""

    def __init__(self, source: int | str) -> None:
        self.open, self.ending = source == 0, False
        self.values: dict[int, float] = {}

    def isOpened(self) -> bool:
        return self.open

    def set(self, what: int, value: float) -> bool:
        self.values[what] = value
        return True

    def get(self, what: int) -> float:
        return self.values.get(what, 0.0)

    def read(self) -> tuple[bool, Any]:
        if self.ending:
            return False, None
        return True, np.full((960, 1280, 3), 90, np.uint8)

    def release(self) -> None:
        self.open = False


def pictures(folder: Path) -> PictureCamera:
    cv2.imwrite(str(folder / "1.png"), np.full((600, 1000, 3), 80, np.uint8))
    return PictureCamera(folder)


def virtual(folder: Path) -> VirtualCamera:
    return VirtualCamera()


def usb(folder: Path) -> UsbCamera:
    return UsbCamera(0, open_capture=FakeCapture)


def pi(folder: Path) -> PiCamera:
    return PiCamera(library=fresh)


Make = Callable[[Path], Camera]


@pytest.fixture(params=[virtual, pictures, usb, pi], ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


def test_a_preview_is_640_by_480_bgr(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        frame = camera.preview(1.0)
    assert frame.bgr.shape == (480, 640, 3)
    assert frame.bgr.dtype == np.uint8
    assert frame.bgr.flags.c_contiguous


def test_a_still_is_larger_or_whole(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        still = camera.still(1.0).bgr
    assert still.dtype == np.uint8
    assert still.shape[0] >= 480
    assert still.shape[2] == 3


def test_frame_times_never_run_back(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        times = [camera.preview(1.0).at_s for _ in range(3)] + [camera.still(1.0).at_s]
    assert times == sorted(times)


def test_what_it_obeys_are_names_of_camera_controls(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        assert camera.controls() <= {"exposure_us", "gain", "white_balance_locked"}


def test_a_wanted_exposure_shows_in_the_metadata_of_later_frames(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        if "exposure_us" not in camera.controls():
            pytest.skip("has no exposure control, and says so")
        camera.set_controls(CameraControls(exposure_us=5000, gain=2.0))
        told = [camera.preview(1.0).metadata.exposure_us for _ in range(10)]
    assert told[-1] == 5000


def test_automatic_again_is_always_allowed(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        camera.set_controls(CameraControls(exposure_us=5000, gain=2.0, white_balance_locked=True))
        camera.set_controls(CameraControls())
        assert camera.preview(1.0).bgr.size


def test_a_closed_camera_refuses(make: Make, tmp_path: Path) -> None:
    camera = make(tmp_path)
    with camera:
        camera.preview(1.0)
    with pytest.raises(DeviceRefused):
        camera.preview(0.1)


def test_it_opens_again_after_it_was_closed(make: Make, tmp_path: Path) -> None:
    camera = make(tmp_path)
    for _ in range(2):
        with camera:
            assert camera.preview(1.0).bgr.size


def test_it_says_what_it_is(make: Make, tmp_path: Path) -> None:
    with make(tmp_path) as camera:
        assert camera.info.kind == "camera"
        assert camera.info.model


@pytest.mark.parametrize(
    "absent",
    [
        lambda folder: PictureCamera(folder / "none"),
        lambda folder: PictureCamera(folder),
        lambda folder: UsbCamera(7, open_capture=FakeCapture),
        lambda folder: PiCamera(number=1, library=fresh),
    ],
)
def test_an_absent_camera_is_gone(absent: Make, tmp_path: Path) -> None:
    with pytest.raises(DeviceGone), absent(tmp_path):
        pass
