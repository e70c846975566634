"""A small faithful fake of picamera2: what the driver uses, and as strict as the real library about it.

With no camera the constructor dies with IndexError; an unknown control raises RuntimeError; YUV420 arrays
keep a stride wider than the picture; a capture that waits too long raises TimeoutError and stays at the head
of the queue, where `stop` and the next capture would wait behind it for ever, until it is cancelled; a wait
of 0 is none; requests must be released or the buffers run out; a new exposure shows some frames later;
metadata may lack any key; a camera that was pulled out raises RuntimeError; sizes are aligned, so that they
must be read back.
"""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np

STRIDE_ALIGN = 128
DELAY_FRAMES = 6
CONTROLS = {
    "ExposureTime": (29, 1_000_000, 20_000),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "AeEnable": (False, True, True),
    "AwbEnable": (False, True, True),
    "ColourGains": (0.0, 32.0, None),
    "FrameDurationLimits": (100, 1_000_000, 33_333),
}


class Request:
    def __init__(self, camera: Picamera, number: int) -> None:
        self._camera, self._number, self.released = camera, number, False

    def make_array(self, name: str) -> np.ndarray:
        assert not self.released
        stream = self._camera.configuration[name]
        width, height = stream["size"]
        bgr = np.full((height, width, 3), (40, 90, 200), np.uint8)
        bgr[:, : width // 2] = (200, 90, 40)
        if stream["format"] == "RGB888":
            return bgr
        stride = -(-width // STRIDE_ALIGN) * STRIDE_ALIGN + STRIDE_ALIGN
        padded = cv2.copyMakeBorder(bgr, 0, 0, 0, stride - width, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        return cv2.cvtColor(padded, cv2.COLOR_BGR2YUV_I420)

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._camera.metadata_at(self._number))

    def release(self) -> None:
        assert not self.released, "released twice"
        self.released = True
        self._camera.held -= 1


class Picamera:
    """Stands for `picamera2.Picamera2`. Class attributes are the world: `cameras`, `silent_captures`."""

    cameras: list[dict[str, Any]] = [{"Model": "imx219", "Num": 0}]  # noqa: RUF012 (set by tests)
    silent_captures = 0
    pulled = False
    missing: frozenset[str] = frozenset()  # metadata keys that this camera never tells
    aligned: tuple[int, int] | None = None  # what the preview's size becomes
    opened: list[Picamera] = []  # noqa: RUF012 (set by tests)

    def __init__(self, number: int = 0) -> None:
        type(self).cameras[number]  # IndexError, as the real one
        self.camera_controls = dict(CONTROLS)
        self.configuration: dict[str, Any] = {}
        self.held = 0
        self.starts = 0
        self.running = self.closed = self.queued = False
        self.waits: list[float | None] = []
        self._frames = itertools.count()
        self._asked: list[tuple[int, dict[str, Any]]] = []
        self._now = 0
        type(self).opened.append(self)

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return cls.cameras

    def create_still_configuration(
        self, main: Any, lores: Any, buffer_count: int = 1, controls: Any = None, display: Any = "main"
    ) -> dict[str, Any]:
        self._check_controls(controls or {})
        assert all(low <= high for low, high in zip(lores["size"], main["size"], strict=True))
        return {"main": main, "lores": lores, "buffer_count": buffer_count, "controls": controls or {}}

    def configure(self, configuration: dict[str, Any]) -> None:
        assert not self.running, "configure while running"
        self.configuration = configuration
        if type(self).aligned is not None:
            configuration["lores"]["size"] = type(self).aligned
        self._asked = [(0, dict(configuration["controls"]))]

    def camera_configuration(self) -> dict[str, Any]:
        return self.configuration

    def start(self) -> None:
        assert self.configuration and not self.running
        self.running = True
        self.starts += 1

    def stop(self) -> None:
        assert not self.queued, "waits for ever behind a capture that timed out"
        self.running = False

    def cancel_all_and_flush(self) -> None:
        self.queued = False

    def close(self) -> None:
        assert not self.running
        self.closed = True

    def set_controls(self, controls: dict[str, Any]) -> None:
        assert self.configuration, "controls before configure are lost"
        self._check_controls(controls)
        self._asked.append((self._now + DELAY_FRAMES, controls))

    def capture_request(self, wait: float | None = None, flush: Any = None) -> Request:
        assert self.running
        assert wait, "0 does not wait and None does without an end"
        assert not self.queued, "its frame would go to the capture that timed out"
        self.waits.append(wait)
        if type(self).pulled:
            raise RuntimeError("Camera frontend has timed out")
        if type(self).silent_captures > 0 or self.held >= self.configuration["buffer_count"]:
            type(self).silent_captures -= 1
            self.queued = True
            raise TimeoutError
        self._now = next(self._frames)
        self.held += 1
        return Request(self, self._now)

    def metadata_at(self, number: int) -> dict[str, Any]:
        told: dict[str, Any] = {"ColourGains": (1.8, 1.5)}
        for since, controls in self._asked:
            if since <= number:
                told.update(controls)
        every = {
            "ExposureTime": told.get("ExposureTime") or 20_000,
            "AnalogueGain": told.get("AnalogueGain") or 2.0,
            "ColourGains": told["ColourGains"],
        }
        return {name: value for name, value in every.items() if name not in type(self).missing}

    def _check_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")


def fresh() -> type[Picamera]:
    """Return a new library with its own world."""
    return type(
        "Picamera2",
        (Picamera,),
        {"cameras": [{"Model": "imx219"}], "opened": [], "silent_captures": 0, "pulled": False},
    )
