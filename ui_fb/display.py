"""Where pictures go. `MemoryDisplay` stands for a panel on a virtual station and feeds a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ui_fb.geometry import Rect, Size

Pixels = NDArray[np.uint8]


class DisplayFault(Exception):
    """The panel is missing, refuses, or has a layout that we cannot draw on."""


class Display(Protocol):
    """A panel. Owned by one thread; `show` and `blit` return when the pixels are where they belong."""

    @property
    def size(self) -> Size: ...

    def show(self, image: Image.Image) -> None:
        """Show a whole screen: an RGB picture of exactly `size`, else ValueError."""

    def blit(self, rect: Rect, pixels: Pixels) -> None:
        """Put RGB pixels (rect.h, rect.w, 3) uint8 over part of the screen, else ValueError."""

    def close(self) -> None:
        """Blank the screen and give it back."""


class MemoryDisplay:
    """A display in memory; `changes` counts what was drawn.

    `snapshot` and `wait_change` may be called from any thread.
    """

    def __init__(self, size: Size) -> None:
        self._size = size
        self._changed = threading.Condition()
        self._open = True
        self._pixels = np.zeros((size[1], size[0], 3), np.uint8)
        self._changes = 0

    @property
    def size(self) -> Size:
        return self._size

    @property
    def changes(self) -> int:
        return self._changes

    def show(self, image: Image.Image) -> None:
        pixels = rgb_of(image, self._size)
        with self._change():
            self._pixels[:] = pixels

    def blit(self, rect: Rect, pixels: Pixels) -> None:
        check_blit(rect, pixels, self._size)
        with self._change():
            self._pixels[rect.y : rect.bottom, rect.x : rect.right] = pixels

    def snapshot(self) -> tuple[int, Image.Image]:
        """Return (changes, the picture as it was after that change)."""
        with self._changed:
            return self._changes, Image.fromarray(self._pixels.copy())

    def wait_change(self, since: int, timeout_s: float) -> bool:
        """True once `changes` is not `since`; False when it still is in the end, or the display is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != since or not self._open, timeout_s)
            return self._changes != since

    def close(self) -> None:
        with self._change():
            self._pixels[:] = 0
            self._open = False

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._changed:
            yield
            self._changes += 1
            self._changed.notify_all()


def rgb_of(image: Image.Image, size: Size) -> Pixels:
    """Return the picture's (height, width, 3) uint8 pixels; raises ValueError when it is not of `size`."""
    if image.size != size:
        raise ValueError(f"picture {image.size} for a display {size}")
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def check_blit(rect: Rect, pixels: Pixels, size: Size) -> None:
    """Raise ValueError unless `pixels` fill `rect` and `rect` lies on the screen."""
    if pixels.shape != (rect.h, rect.w, 3) or pixels.dtype != np.uint8:
        raise ValueError(f"pixels {pixels.shape} {pixels.dtype} for {rect}")
    if rect.clipped(size) != rect:
        raise ValueError(f"{rect} is not on a display {size}")
