"""The virtual booth of the portrait's figures: a camera, lamps and a sitter, on the camera's own time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2

from drivers.api import CameraControls, Deadline, Frame, Pixels
from drivers.passing import Passing
from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait import PortraitCheck, PortraitGate
from firmware.quality.portrait_capture import PortraitSample, take_portrait
from firmware.quality.portrait_models import FaceModels

MODELS = Path(os.environ.get("IDKIOSK_MODELS", Path(__file__).resolve().parents[1] / ".tools" / "models"))
SETTLED_FRAMES = 10
World = Callable[[VirtualCamera], object]


@cache
def gate() -> PortraitGate:
    """The gate on the real models. Raises ModelsMissingError."""
    return PortraitGate(FaceModels(MODELS))


@contextmanager
def one_core() -> Iterator[None]:
    """Let OpenCV use one thread."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def frame(seed: int = 3, world: World = lambda _: None, *, still: bool = False) -> Pixels:
    """A frame of the made-up person number `seed`, the automatic exposure having come to rest."""
    with VirtualCamera() as camera:
        camera.sitter.sit(seed)
        world(camera)
        for _ in range(SETTLED_FRAMES):
            camera.preview(1.0)
        return (camera.still(1.0) if still else camera.preview(1.0)).bgr


class Clocked(Passing[VirtualCamera]):
    """A camera whose own time is counted, so that it can be left out of the product's."""

    spent_s = 0.0

    def controls(self) -> frozenset[str]:
        return self._device.controls()

    def set_controls(self, wanted: CameraControls) -> None:
        self._device.set_controls(wanted)

    def preview(self, timeout_s: float) -> Frame:
        return self._timed(self._device.preview, timeout_s)

    def still(self, timeout_s: float) -> Frame:
        return self._timed(self._device.still, timeout_s)

    def _timed(self, take: Callable[[float], Frame], timeout_s: float) -> Frame:
        began = time.thread_time()
        taken = take(timeout_s)
        self.spent_s += time.thread_time() - began
        return taken


@dataclass(frozen=True, slots=True)
class Moment:
    """What a preview frame was like: seconds from the first, lamps 0..1, exposure, gain, hint."""

    at_s: float
    lamps: tuple[float, float]
    exposure_us: int
    gain: float
    hint: str | None


@dataclass
class Visit:
    """One portrait in the virtual booth: `moments` of its preview, `software_s`, `accept_s` the product's."""

    seed: int
    world: World = lambda _: None
    within_s: float = 20.0
    lamps: tuple[float, float] = (0.0, 0.0)
    moments: list[Moment] = field(default_factory=list)
    accept_s: float = 0.0
    software_s: float = 0.0

    def take(self) -> PortraitSample:
        """Raises UserRetry when there is no picture at all."""
        camera = VirtualCamera(light=lambda: self.lamps, clock=lambda: 0.0)
        camera.sitter.sit(self.seed)
        self.world(camera)
        clocked = Clocked(camera)
        began, last, spent = time.thread_time(), 0.0, 0.0

        def preview(seen: Frame, check: PortraitCheck) -> None:
            nonlocal last, spent
            self._note(seen, check)
            last, spent = time.thread_time(), clocked.spent_s

        with clocked:
            deadline = Deadline.after(self.within_s, lambda: self.seconds)
            sample = take_portrait(clocked, self._light, preview, deadline, gate())
        ended = time.thread_time()
        self.accept_s = ended - last - (clocked.spent_s - spent)
        self.software_s = ended - began - clocked.spent_s
        return sample

    @property
    def seconds(self) -> float:
        """From the first preview frame to the last, by the camera's clock."""
        return self.moments[-1].at_s if self.moments else 0.0

    def _light(self, left: float, right: float) -> None:
        self.lamps = (left, right)

    def _note(self, seen: Frame, check: PortraitCheck) -> None:
        told = seen.metadata
        at_s = seen.at_s - 1 / 30
        self.moments.append(Moment(at_s, self.lamps, told.exposure_us or 0, told.gain or 0.0, check.hint))
