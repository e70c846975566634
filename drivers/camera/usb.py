"""A USB camera over OpenCV (V4L2), by index or device path.

OpenCV's read may hang for ten seconds when a camera dies, so a thread of its own reads; the calls here wait
for the newest frame and end in time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from drivers.api import CameraControls, Clock, DeviceInfo, Frame, FrameMetadata, Pixels
from drivers.camera.frames import whole
from drivers.errors import DeviceGone, DeviceRefused, DeviceTimeout

STILL_SIZE, PREVIEW_SIZE = (1280, 960), (640, 480)
V4L2_EXPOSURE_UNIT_US = 100  # V4L2_CID_EXPOSURE_ABSOLUTE
V4L2_MANUAL, V4L2_APERTURE_PRIORITY = 1, 3  # V4L2_CID_EXPOSURE_AUTO
STOP_S = 1.0


def _capture(source: int | str) -> Any:
    return cv2.VideoCapture(source)


class _Newest:
    """The reader thread and its one slot: a new frame replaces one that nobody took."""

    def __init__(self, capture: Any, clock: Clock) -> None:
        self._capture, self._clock = capture, clock
        self._changed = threading.Condition()
        self._slot: tuple[Pixels, float] | None = None
        self._ended = self._stopping = False
        self._thread = threading.Thread(target=self._read, name="camera-read", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float, after_s: float = float("-inf")) -> tuple[Pixels, float] | None:
        """Return and empty the slot; None when no frame later than `after_s` came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._newer(after_s), timeout_s)
            if not self._newer(after_s):
                if self._ended:
                    raise DeviceGone("camera", "read")
                return None
            taken, self._slot = self._slot, None
            return taken

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(STOP_S)

    def _newer(self, after_s: float) -> bool:
        return self._slot is not None and self._slot[1] > after_s

    def _read(self) -> None:
        while not self._stopping:
            began_s = self._clock()
            there, bgr = self._capture.read()
            with self._changed:
                self._ended = not there
                self._slot = (bgr, began_s) if there else None
                self._changed.notify_all()
            if not there:
                break
        self._capture.release()


class UsbCamera:
    """A `drivers.api.Camera` on whatever OpenCV can open. It obeys exposure where the camera does."""

    def __init__(
        self,
        source: int | str = 0,
        still_size: tuple[int, int] = STILL_SIZE,
        *,
        open_capture: Callable[[int | str], Any] = _capture,
        clock: Clock = time.monotonic,
    ) -> None:
        self._source, self._still_size = source, still_size
        self._open_capture, self._clock = open_capture, clock
        self._capture: Any = None
        self._newest: _Newest | None = None
        self._exposure = False

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("camera", "USB camera", str(self._source))

    def __enter__(self) -> Self:
        capture = self._open_capture(self._source)
        if not capture.isOpened():
            capture.release()
            raise DeviceGone("camera", f"open {self._source}")
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._still_size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._still_size[1])
        self._exposure = bool(capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, V4L2_APERTURE_PRIORITY))
        self._capture, self._newest = capture, _Newest(capture, self._clock)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        newest, self._newest, self._capture = self._newest, None, None
        if newest is not None:
            newest.stop()

    def controls(self) -> frozenset[str]:
        return frozenset({"exposure_us"} if self._exposure else ())

    def set_controls(self, wanted: CameraControls) -> None:
        self._opened("set_controls")
        if not self._exposure:
            return
        if wanted.exposure_us is None:
            self._capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, V4L2_APERTURE_PRIORITY)
            return
        self._capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, V4L2_MANUAL)
        self._capture.set(cv2.CAP_PROP_EXPOSURE, max(1, wanted.exposure_us // V4L2_EXPOSURE_UNIT_US))

    def preview(self, timeout_s: float) -> Frame:
        bgr, at_s = self._take("preview", timeout_s, float("-inf"))
        return Frame(_four_by_three(whole(bgr, "preview"), PREVIEW_SIZE), at_s, self._told())

    def still(self, timeout_s: float) -> Frame:
        bgr, at_s = self._take("still", timeout_s, self._clock())
        return Frame(whole(bgr, "still"), at_s, self._told())

    def _take(self, doing: str, timeout_s: float, after_s: float) -> tuple[Pixels, float]:
        taken = self._opened(doing).take(timeout_s, after_s)
        if taken is None:
            raise DeviceTimeout("camera", doing)
        return taken

    def _told(self) -> FrameMetadata:
        exposure = self._capture.get(cv2.CAP_PROP_EXPOSURE) if self._exposure else 0
        return FrameMetadata(round(exposure * V4L2_EXPOSURE_UNIT_US) if exposure > 0 else None)

    def _opened(self, doing: str) -> _Newest:
        if self._newest is None:
            raise DeviceRefused("camera", f"{doing} before open")
        return self._newest


def _four_by_three(bgr: Pixels, size: tuple[int, int]) -> Pixels:
    """Cut the middle in the shape of `size` (width, height) and scale it."""
    height, width = bgr.shape[:2]
    keep_width = min(width, height * size[0] // size[1])
    keep_height = min(height, width * size[1] // size[0])
    top, left = (height - keep_height) // 2, (width - keep_width) // 2
    middle = bgr[top : top + keep_height, left : left + keep_width]
    return np.asarray(cv2.resize(middle, size, interpolation=cv2.INTER_AREA), np.uint8)
