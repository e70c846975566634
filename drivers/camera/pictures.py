"""A folder of pictures and clips as a camera: recorded portraits for tests and to look at a case again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle, repeat
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from drivers.api import CameraControls, Clock, DeviceInfo, Frame, Pixels
from drivers.camera.frames import whole
from drivers.errors import DeviceGone, DeviceRefused

PREVIEW_SIZE = (640, 480)
KINDS, CLIPS = {".png", ".jpg", ".jpeg", ".bmp"}, {".avi", ".mkv", ".mp4"}
CLIP_FRAMES_MOST = 600  # twenty seconds: they are held in memory one after the other, not together


class PictureCamera:
    """A `drivers.api.Camera` that shows the pictures of `folder` in order of name, each for some frames.

    A clip is shown frame by frame, at most CLIP_FRAMES_MOST of them. After the last it begins again. It obeys
    no control. What is not 4:3 is cut at its sides.
    """

    def __init__(self, folder: Path, frames_each: int = 15, *, clock: Clock = time.monotonic) -> None:
        self._folder, self._frames_each, self._clock = folder, frames_each, clock
        self._paths: list[Path] = []
        self._shown: Iterator[Pixels] = iter(())

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("camera", "folder of pictures", self._folder.name, virtual=True)

    def __enter__(self) -> Self:
        there = self._folder.iterdir() if self._folder.is_dir() else ()
        self._paths = sorted(path for path in there if path.suffix.lower() in KINDS | CLIPS)
        if not self._paths:
            raise DeviceGone("camera", f"open {self._folder}: no pictures")
        self._shown = self._frames()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._paths, self._shown = [], iter(())

    def controls(self) -> frozenset[str]:
        return frozenset()

    def set_controls(self, wanted: CameraControls) -> None:
        """Nothing to obey with; frames carry no metadata, which says so."""

    def preview(self, timeout_s: float) -> Frame:  # noqa: ARG002 (a file is there or it is not)
        bgr = self._picture("preview")
        return Frame(
            np.asarray(cv2.resize(bgr, PREVIEW_SIZE, interpolation=cv2.INTER_AREA), np.uint8), self._clock()
        )

    def still(self, timeout_s: float) -> Frame:  # noqa: ARG002 (as above)
        return Frame(self._picture("still").copy(), self._clock())

    def _picture(self, doing: str) -> Pixels:
        if not self._paths:
            raise DeviceRefused("camera", f"{doing} before open")
        shown = next(self._shown, None)  # it ends only where a file had nothing to show
        if shown is None:
            raise DeviceGone("camera", doing)
        return shown

    def _frames(self) -> Iterator[Pixels]:
        """Every frame in order, for ever. Raises DeviceGone for a file that shows nothing."""
        for path in cycle(self._paths):
            if path.suffix.lower() in CLIPS:
                yield from _clip(path)
            else:
                yield from repeat(_read(path), self._frames_each)


def _clip(path: Path) -> Iterator[Pixels]:
    capture = cv2.VideoCapture(str(path))
    try:
        for number in range(CLIP_FRAMES_MOST):
            there, bgr = capture.read()
            if not there and not number:
                raise DeviceGone("camera", f"read {path.name}")
            if not there:
                return
            yield _four_by_three(whole(bgr, "clip"))
    finally:
        capture.release()


def _read(path: Path) -> Pixels:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DeviceGone("camera", f"read {path.name}")
    return _four_by_three(whole(bgr, "picture"))


def _four_by_three(bgr: Pixels) -> Pixels:
    height, width = bgr.shape[:2]
    keep_width, keep_height = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - keep_height) // 2, (width - keep_width) // 2
    return np.asarray(bgr[top : top + keep_height, left : left + keep_width], np.uint8)
