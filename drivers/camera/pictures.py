"""A folder of pictures as a camera: recorded portraits for tests and for looking at one case again."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from drivers.api import CameraControls, Clock, DeviceInfo, Frame, Pixels
from drivers.errors import DeviceGone, DeviceRefused

PREVIEW_SIZE = (640, 480)
KINDS = {".png", ".jpg", ".jpeg", ".bmp"}


class PictureCamera:
    """A `drivers.api.Camera` that shows the pictures of `folder` in order of name, each for some frames.

    After the last it begins again. It obeys no control. What is not 4:3 is cut at its sides.
    """

    def __init__(self, folder: Path, frames_each: int = 15, *, clock: Clock = time.monotonic) -> None:
        self._folder, self._frames_each, self._clock = folder, frames_each, clock
        self._paths: list[Path] = []
        self._held: tuple[Path, Pixels] | None = None
        self._count = 0

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("camera", "folder of pictures", self._folder.name, virtual=True)

    def __enter__(self) -> Self:
        there = self._folder.iterdir() if self._folder.is_dir() else ()
        self._paths = sorted(path for path in there if path.suffix.lower() in KINDS)
        if not self._paths:
            raise DeviceGone("camera", f"open {self._folder}: no pictures")
        self._count = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._paths, self._held = [], None

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
        path = self._paths[self._count // self._frames_each % len(self._paths)]
        self._count += 1
        if self._held is None or self._held[0] != path:
            self._held = (path, _read(path))
        return self._held[1]


def _read(path: Path) -> Pixels:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DeviceGone("camera", f"read {path.name}")
    height, width = bgr.shape[:2]
    keep_width, keep_height = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - keep_height) // 2, (width - keep_width) // 2
    return np.asarray(bgr[top : top + keep_height, left : left + keep_width], np.uint8)
