"""Finger pictures for tests: the shared ones with their true scores, and a made-up ridge pattern."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from drivers.api import DeviceInfo, FingerImage, Pixels
from support.data import data_folder

SHAPE = (290, 384)


@dataclass(frozen=True)
class Shared:
    """One shared picture; `nfiq2` is None where NFIQ 2 fails."""

    file: str
    path: Path
    kind: str
    nfiq2: int | None

    @property
    def image(self) -> FingerImage:
        return FingerImage(np.asarray(cv2.imread(str(self.path), cv2.IMREAD_GRAYSCALE), np.uint8))


def shared_fingers() -> list[Shared]:
    """All of them; skips the test with a reason where they are absent."""
    folder = data_folder("fingers")
    with (folder / "index.csv").open() as rows:
        return [
            Shared(
                row["file"],
                folder / row["file"],
                row["kind"],
                int(row["nfiq2"]) if row["nfiq2"] else None,
            )
            for row in csv.DictReader(rows)
        ]


def shared(file: str) -> Shared:
    return next(finger for finger in shared_fingers() if finger.file == file)


def ridges(right_px: float = 0, down_px: float = 0, size_px: float = 170, grain: float = 6.0) -> Pixels:
    """A loop of ridges 9 pixels apart under a round contact: (290, 384), dark ridges on light glass."""
    down, right = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float64)
    down, right = down - SHAPE[0] / 2 - down_px, right - SHAPE[1] / 2 - right_px
    wave = np.cos(2 * np.pi / 9 * (np.hypot(right, down + 60) + 6 * np.sin(right / 40)))
    contact = np.clip(4 * (1 - np.hypot(right, down) / size_px), 0, 1)
    picture = 255 - contact * (100 - 80 * wave) - np.random.default_rng(1).normal(0, grain, SHAPE)
    return np.clip(picture, 0, 255).astype(np.uint8)


def blank() -> Pixels:
    return np.full(SHAPE, 250, np.uint8)


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class ScriptedSensor:
    """A FingerSensor in memory: shows one frame after the other, 0.13 s each; the last one stays."""

    def __init__(self, clock: Clock, frames: Sequence[Pixels], comes_after_s: float = 0.0) -> None:
        self._clock = clock
        self._frames = deque(frames)
        self._comes_at_s = clock() + comes_after_s
        self.taken = 0

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("finger", "scripted", virtual=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def await_finger(self, on: bool, timeout_s: float) -> bool:
        wait_s = max(0.0, self._comes_at_s - self._clock())
        self._clock.now_s += min(wait_s, timeout_s)
        return bool(self._frames) and wait_s <= timeout_s

    def rest(self, timeout_s: float) -> None:
        """Nothing to switch off."""

    def frame(self, timeout_s: float) -> FingerImage:
        assert timeout_s > 0.13, "a frame takes its time; a shorter time-out is a fault of the device"
        self._clock.now_s += 0.13
        self.taken += 1
        pixels = self._frames.popleft() if len(self._frames) > 1 else self._frames[0]
        return FingerImage(pixels)


def sleeve() -> Pixels:
    """Cloth: a weave in two directions."""
    down, right = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    weave = 40 * np.sign(np.sin(down / 2.1)) * np.sign(np.sin(right / 2.1))
    return np.clip(140 + weave + np.random.default_rng(4).normal(0, 15, SHAPE), 0, 255).astype(np.uint8)


def two_fingers() -> Pixels:
    return np.minimum(ridges(right_px=-105, size_px=85), ridges(right_px=105, size_px=85))
