"""/dev/fb0: the panel's memory, mapped.

Stride and colour offsets come from the device; only what changed is written.

Kernel interface: linux/fb.h (FBIOGET_VSCREENINFO, FBIOGET_FSCREENINFO) and linux/kd.h (KDSETMODE).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ui_fb.display import DisplayFault, Pixels, check_blit, rgb_of
from ui_fb.geometry import Rect, Size

VAR_SCREENINFO = struct.Struct("@8I12I20I")  # fb_var_screeninfo: geometry, four bitfields, timing
FIX_SCREENINFO = struct.Struct("@16sLIIIIHHHILIIHHH")  # fb_fix_screeninfo
LARGEST_SIDE = 8192
MERGE_ROWS = 8  # changed rows this near each other are written as one rectangle


class Request(IntEnum):
    FBIOGET_VSCREENINFO = 0x4600
    FBIOGET_FSCREENINFO = 0x4602
    KDSETMODE = 0x4B3A
    KDGETMODE = 0x4B3B


KD_GRAPHICS = 1
Ioctl = Callable[[int, int, bytearray | int], object]


@dataclass(frozen=True, slots=True)
class Bits:
    """A colour's place in a pixel: `length` bits from bit `offset` up."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Format:
    """How the panel's memory is laid out, in pixels and bytes."""

    size: Size
    bits_per_pixel: int
    stride: int
    start: int
    length: int
    red: Bits
    green: Bits
    blue: Bits

    @classmethod
    def of(cls, var: bytes, fix: bytes) -> Format:
        """Read the kernel's two structs; raises DisplayFault for a layout that we cannot draw on."""
        v, f = VAR_SCREENINFO.unpack(var[: VAR_SCREENINFO.size]), FIX_SCREENINFO.unpack(fix)
        (wide, high, *_), depth = v[:4], v[6]
        stride, length = f[9], f[2]
        red, green, blue = (Bits(v[n], v[n + 1]) for n in (8, 11, 14))
        made = cls((wide, high), depth, stride, v[5] * stride + v[4] * depth // 8, length, red, green, blue)
        made.check()
        return made

    def check(self) -> None:
        wide, high = self.size
        whole = self.start + (high - 1) * self.stride + wide * self.bits_per_pixel // 8
        good = (
            self.bits_per_pixel in (16, 32)
            and 0 < wide <= LARGEST_SIDE
            and 0 < high <= LARGEST_SIDE
            and self.stride >= wide * self.bits_per_pixel // 8
            and whole <= self.length
            and all(
                0 < c.length <= 8 and c.offset + c.length <= self.bits_per_pixel
                for c in (self.red, self.green, self.blue)
            )
        )
        if not good:
            raise DisplayFault(f"framebuffer layout is not 16 or 32 bit RGB: {self}")

    def pack(self, pixels: Pixels) -> NDArray[np.uint8]:
        """Return (h, w, 3) RGB as the panel's bytes, (h, w · bytes a pixel)."""
        kind = np.dtype("<u2" if self.bits_per_pixel == 16 else "<u4")
        packed = np.zeros(pixels.shape[:2], kind)
        for channel, bits in enumerate((self.red, self.green, self.blue)):
            level = pixels[:, :, channel].astype(kind)
            level >>= kind.type(8 - bits.length)
            level <<= kind.type(bits.offset)
            packed |= level
        return packed.view(np.uint8)


def changed(old: Pixels, new: Pixels) -> list[Rect]:
    """Return rectangles that cover every pixel in which two (h, w, 3) pictures differ: one a band of rows."""
    differs = (old != new).reshape(old.shape[0], -1)
    rows = np.flatnonzero(differs.any(axis=1))
    if not rows.size:
        return []
    bands = np.split(rows, np.flatnonzero(np.diff(rows) > MERGE_ROWS) + 1)
    return [_band(differs, int(band[0]), int(band[-1]) + 1) for band in bands]


def _band(differs: NDArray[np.bool_], top: int, bottom: int) -> Rect:
    samples = np.flatnonzero(differs[top:bottom].any(axis=0))  # three a pixel
    left, right = int(samples[0]) // 3, int(samples[-1]) // 3 + 1
    return Rect(left, top, right - left, bottom - top)


def _kernel(fd: int, request: int, argument: bytearray | int) -> object:
    return fcntl.ioctl(fd, request, argument)


class Framebuffer:
    """A Display on `path`. With `tty` the console's text and cursor are kept off the picture until `close`.

    Raises DisplayFault when the device is missing, refuses, or has a layout that is not 16 or 32 bit RGB.
    """

    def __init__(
        self, path: Path = Path("/dev/fb0"), tty: Path | None = None, ioctl: Ioctl = _kernel
    ) -> None:
        self._ioctl = ioctl
        self.written: tuple[Rect, ...] = ()  # what the last show or blit wrote
        with ExitStack() as opening:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                opening.callback(os.close, fd)
                self.format = self._layout(fd)
                memory = mmap.mmap(fd, self.format.length)
                opening.callback(memory.close)
                if tty:
                    self._take_console(tty, opening)
            except (OSError, ValueError) as exc:
                raise DisplayFault(f"{path}: {exc}") from exc
            self._rows = self._view(memory)
            opening.callback(self._let_go)
            self._closing = opening.pop_all()
        self._shown = np.zeros((self.size[1], self.size[0], 3), np.uint8)
        self._write(Rect(0, 0, *self.size), self._shown)

    @property
    def size(self) -> Size:
        return self.format.size

    def show(self, image: Image.Image) -> None:
        pixels = rgb_of(image, self.size)
        self.written = tuple(changed(self._shown, pixels))
        for rect in self.written:
            part = pixels[rect.y : rect.bottom, rect.x : rect.right]
            self._shown[rect.y : rect.bottom, rect.x : rect.right] = part
            self._write(rect, part)

    def blit(self, rect: Rect, pixels: Pixels) -> None:
        check_blit(rect, pixels, self.size)
        self._shown[rect.y : rect.bottom, rect.x : rect.right] = pixels
        self._write(rect, pixels)
        self.written = (rect,)

    def close(self) -> None:
        """Blank the panel, unmap it, give the console back. May be called again."""
        if self._rows.size:
            self._rows[:] = 0
        self._closing.close()

    def _write(self, rect: Rect, pixels: Pixels) -> None:
        each = self.format.bits_per_pixel // 8
        self._rows[rect.y : rect.bottom, rect.x * each : rect.right * each] = self.format.pack(pixels)

    def _layout(self, fd: int) -> Format:
        var, fix = bytearray(VAR_SCREENINFO.size), bytearray(FIX_SCREENINFO.size + 2)
        self._ioctl(fd, Request.FBIOGET_VSCREENINFO, var)
        self._ioctl(fd, Request.FBIOGET_FSCREENINFO, fix)
        return Format.of(bytes(var), bytes(fix[: FIX_SCREENINFO.size]))

    def _view(self, memory: mmap.mmap) -> NDArray[np.uint8]:
        wide, high = self.size
        shape = (high, wide * self.format.bits_per_pixel // 8)
        return np.ndarray(shape, np.uint8, memory, self.format.start, (self.format.stride, 1))

    def _let_go(self) -> None:
        self._rows = np.zeros((0, 0), np.uint8)  # the map closes only when nothing looks into it

    def _take_console(self, tty: Path, opening: ExitStack) -> None:
        fd = os.open(tty, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        opening.callback(os.close, fd)
        before = bytearray(4)
        self._ioctl(fd, Request.KDGETMODE, before)
        self._ioctl(fd, Request.KDSETMODE, KD_GRAPHICS)
        opening.callback(self._ioctl, fd, Request.KDSETMODE, int.from_bytes(before, "little"))
