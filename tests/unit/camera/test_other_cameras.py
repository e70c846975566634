"""What is particular to the USB camera and to the folder of pictures."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from drivers.camera.pictures import PictureCamera
from drivers.camera.usb import UsbCamera
from drivers.errors import DeviceGone, DeviceTimeout, ProtocolError


class Steered:
    """A capture whose reads wait for the test."""

    def __init__(self) -> None:
        self.go, self.there, self.released = threading.Event(), True, threading.Event()
        self.shown: Any = np.zeros((480, 640, 3), np.uint8)

    def isOpened(self) -> bool:
        return True

    def set(self, what: int, value: float) -> bool:
        return what != cv2.CAP_PROP_AUTO_EXPOSURE

    def get(self, what: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Any]:
        self.go.wait(5)
        return self.there, self.shown

    def release(self) -> None:
        self.released.set()


def test_a_usb_camera_that_hangs_times_out() -> None:
    capture = Steered()
    with UsbCamera(0, open_capture=lambda source: capture) as camera:
        with pytest.raises(DeviceTimeout):
            camera.preview(0.02)
        capture.go.set()
    assert capture.released.wait(2)


def test_a_usb_camera_that_ends_is_gone() -> None:
    capture = Steered()
    capture.there = False
    with UsbCamera(0, open_capture=lambda source: capture) as camera:
        capture.go.set()
        with pytest.raises(DeviceGone):
            camera.preview(1.0)


def test_a_usb_camera_without_exposure_says_so() -> None:
    capture = Steered()
    capture.go.set()
    with UsbCamera(0, open_capture=lambda source: capture) as camera:
        assert camera.controls() == frozenset()
        assert camera.preview(1.0).metadata.exposure_us is None


def test_pictures_come_in_order_of_name_and_begin_again(tmp_path: Path) -> None:
    for level in (10, 20):
        cv2.imwrite(str(tmp_path / f"{level}.png"), np.full((48, 64, 3), level, np.uint8))
    with PictureCamera(tmp_path, frames_each=2) as camera:
        seen = [int(camera.preview(1.0).bgr[0, 0, 0]) for _ in range(5)]
    assert seen == [10, 10, 20, 20, 10]


def test_a_file_that_is_no_picture_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"not a picture")
    with PictureCamera(tmp_path) as camera, pytest.raises(DeviceGone):
        camera.preview(1.0)


@pytest.mark.parametrize(
    "shown",
    [
        np.zeros((480, 640), np.uint8),
        np.zeros((0, 640, 3), np.uint8),
        np.zeros((480, 640, 3)),
        np.zeros(7),
        None,
    ],
    ids=["grey", "empty", "floats", "a row", "nothing"],
)
@pytest.mark.parametrize("take", ["preview", "still"])
def test_a_frame_that_is_no_picture_is_a_fault_and_not_a_crash(shown: Any, take: str) -> None:
    capture = Steered()
    capture.shown = shown
    with UsbCamera(0, open_capture=lambda source: capture) as camera:
        capture.go.set()
        with pytest.raises(ProtocolError):
            getattr(camera, take)(1.0)


def test_a_clip_is_shown_frame_by_frame_and_begins_again(tmp_path: Path) -> None:
    clip = cv2.VideoWriter(str(tmp_path / "b.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
    if not clip.isOpened():
        pytest.skip("this OpenCV writes no clips")
    for level in (40, 120, 200):
        clip.write(np.full((480, 640, 3), level, np.uint8))
    clip.release()
    with PictureCamera(tmp_path) as camera:
        levels = [round(float(camera.preview(1.0).bgr.mean()), -1) for _ in range(5)]
    assert levels == [40, 120, 200, 40, 120]


def test_a_clip_that_is_none_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    with PictureCamera(tmp_path) as camera, pytest.raises(DeviceGone):
        camera.preview(1.0)
