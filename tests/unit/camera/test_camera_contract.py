"""The contract of `drivers.api.Camera`, run over every camera that can run without hardware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.camera_contract import CameraContract, Make
from support.picamera import fresh

from drivers.api import Camera
from drivers.camera.pi import PiCamera
from drivers.camera.pictures import PictureCamera
from drivers.camera.usb import UsbCamera
from drivers.errors import DeviceGone
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


Kind = Callable[[Path], Camera]


class TestEachCamera(CameraContract):
    @pytest.fixture(params=[virtual, pictures, usb, pi], ids=lambda kind: kind.__name__)
    def make(self, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
        return lambda: request.param(tmp_path)


@pytest.mark.parametrize(
    "absent",
    [
        lambda folder: PictureCamera(folder / "none"),
        lambda folder: PictureCamera(folder),
        lambda folder: UsbCamera(7, open_capture=FakeCapture),
        lambda folder: PiCamera(number=1, library=fresh),
    ],
)
def test_an_absent_camera_is_gone(absent: Kind, tmp_path: Path) -> None:
    with pytest.raises(DeviceGone), absent(tmp_path):
        pass
