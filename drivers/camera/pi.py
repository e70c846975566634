"""The Pi's camera over picamera2: one configuration, a main stream for stills and a small preview.

picamera2 (0.3.20 or later) comes from the Pi's own packages and is imported when the device opens. Nothing
here waits without an end; a camera that gives no frame for 1.5 s is restarted once before it is called dead.
A capture that timed out stays at the head of picamera2's queue: it is cancelled at once, or `stop`, which has
no time-out, would wait behind it for the frame that never comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from drivers.api import CameraControls, Clock, Deadline, DeviceInfo, Frame, FrameMetadata, Pixels
from drivers.camera.frames import whole
from drivers.errors import DeviceGone, DeviceRefused, DeviceTimeout, ProtocolError

STILL_SIZE, PREVIEW_SIZE = (1640, 1232), (640, 480)
BUFFERS = 3  # picamera2's still configuration has one by default: no preview could run beside it
SILENT_S = 1.5
EXPOSURE_CAP_US = 20_000
FLICKER_MANUAL, FLICKER_50_HZ_US = 1, 10_000  # libcamera AeFlickerModeEnum.Manual; 100 pulses a second
EXPOSURE, GAIN = "ExposureTime", "AnalogueGain"
COLOUR = "ColourGains"


def _picamera2() -> Any:
    """Import the library; raises DeviceRefused where it is not installed or does not fit this numpy."""
    try:
        from picamera2 import Picamera2
    except (ImportError, ValueError) as exc:
        raise DeviceRefused("camera", "import picamera2 (apt install python3-picamera2)") from exc
    return Picamera2


class PiCamera:
    """A `drivers.api.Camera` on libcamera; `number` counts the cameras of this Pi."""

    def __init__(
        self,
        number: int = 0,
        still_size: tuple[int, int] = STILL_SIZE,
        *,
        library: Callable[[], Any] = _picamera2,
        clock: Clock = time.monotonic,
    ) -> None:
        self._number, self._still_size = number, still_size
        self._library, self._clock = library, clock
        self._camera: Any = None
        self._model = "unknown"
        self._preview_size = PREVIEW_SIZE
        self._colour_gains: tuple[float, float] | None = None

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("camera", self._model, str(self._number))

    def __enter__(self) -> Self:
        library = self._library()
        if not hasattr(library, "cancel_all_and_flush"):
            raise DeviceRefused("camera", "open: picamera2 is older than 0.3.20")
        cameras = library.global_camera_info()  # first: with no camera Picamera2() dies with IndexError
        if self._number >= len(cameras):
            raise DeviceGone("camera", f"open number {self._number} of {len(cameras)}")
        self._model = str(cameras[self._number].get("Model", "unknown"))
        try:
            self._camera = library(self._number)
            self._configure()
            self._camera.start()
        except RuntimeError as exc:
            self._close()
            raise DeviceRefused("camera", "open") from exc
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def controls(self) -> frozenset[str]:
        known = self._opened("controls").camera_controls
        names = {"exposure_us": EXPOSURE, "gain": GAIN, "white_balance_locked": "AwbEnable"}
        return frozenset(ours for ours, theirs in names.items() if theirs in known)

    def set_controls(self, wanted: CameraControls) -> None:
        camera = self._opened("set_controls")
        asked: dict[str, Any] = {
            "AeEnable": wanted.exposure_us is None or wanted.gain is None,
            EXPOSURE: wanted.exposure_us or 0,  # 0 gives it back to the automatic exposure
            GAIN: wanted.gain or 0.0,
            "AwbEnable": not wanted.white_balance_locked,
        }
        if wanted.white_balance_locked and self._colour_gains:
            asked[COLOUR] = self._colour_gains
        try:
            camera.set_controls(self._known(asked))
        except RuntimeError as exc:
            raise DeviceRefused("camera", "set_controls") from exc

    def preview(self, timeout_s: float) -> Frame:
        return self._frame("lores", timeout_s, flush=None)

    def still(self, timeout_s: float) -> Frame:
        """A frame at capture size whose exposure began after this call."""
        return self._frame("main", timeout_s, flush=True)

    def _configure(self) -> None:
        """One configuration for everything; controls inside it apply from the first frame."""
        first = {
            "FrameDurationLimits": (100, EXPOSURE_CAP_US),
            "AeFlickerMode": FLICKER_MANUAL,
            "AeFlickerPeriod": FLICKER_50_HZ_US,
        }
        configuration = self._camera.create_still_configuration(
            main={"size": self._still_size, "format": "RGB888"},  # which is B, G, R in memory
            lores={"size": PREVIEW_SIZE, "format": "YUV420"},
            buffer_count=BUFFERS,
            controls=self._known(first),
            display=None,
        )
        self._camera.configure(configuration)
        self._preview_size = tuple(self._camera.camera_configuration()["lores"]["size"])

    def _known(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what this camera has; an unknown control raises RuntimeError in picamera2."""
        return {name: value for name, value in asked.items() if name in self._camera.camera_controls}

    def _frame(self, stream: str, timeout_s: float, flush: bool | None) -> Frame:
        camera = self._opened(f"capture {stream}")
        deadline = Deadline.after(timeout_s, self._clock)
        request = self._request(camera, min(timeout_s, SILENT_S), flush)
        if request is None and not deadline.over:
            self._restart(camera)
            request = self._request(camera, deadline.left_s, flush)
        if request is None:
            raise DeviceTimeout("camera", f"capture {stream}")
        try:
            array, metadata = request.make_array(stream), request.get_metadata()
        finally:
            request.release()
        bgr = self._from_yuv(array) if stream == "lores" else whole(array, "still")
        return Frame(bgr, self._clock(), self._told(metadata))

    def _request(self, camera: Any, wait_s: float, flush: bool | None) -> Any:
        """None when no frame came in time; picamera2 does not wait at all for 0 s."""
        if not wait_s:
            return None
        try:
            return camera.capture_request(wait=wait_s, flush=flush)
        except TimeoutError:
            camera.cancel_all_and_flush()
            return None
        except RuntimeError as exc:
            raise DeviceGone("camera", "capture") from exc

    def _restart(self, camera: Any) -> None:
        try:
            camera.stop()
            camera.start()
        except RuntimeError as exc:
            raise DeviceGone("camera", "restart") from exc

    def _from_yuv(self, array: Pixels) -> Pixels:
        """Convert planar YUV 4:2:0; the rows keep their stride, so crop after the conversion."""
        width, height = self._preview_size
        try:
            bgr = whole(cv2.cvtColor(array, cv2.COLOR_YUV2BGR_I420)[:height, :width], "preview")
        except cv2.error as exc:
            raise ProtocolError("camera", "preview: no YUV 4:2:0") from exc
        if (width, height) != PREVIEW_SIZE:  # libcamera aligned what was asked for
            bgr = np.asarray(cv2.resize(bgr, PREVIEW_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        return bgr

    def _told(self, metadata: Mapping[str, Any]) -> FrameMetadata:
        self._colour_gains = metadata.get(COLOUR, self._colour_gains)
        exposure, gain = metadata.get(EXPOSURE), metadata.get(GAIN)
        return FrameMetadata(
            exposure_us=None if exposure is None else int(exposure),
            gain=None if gain is None else float(gain),
        )

    def _opened(self, doing: str) -> Any:
        if self._camera is None:
            raise DeviceRefused("camera", f"{doing} before open")
        return self._camera

    def _close(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            with suppress(RuntimeError):  # a camera that is gone can be neither stopped nor closed
                camera.stop()
                camera.close()
