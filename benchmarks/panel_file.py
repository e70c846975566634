"""A plain file that stands for /dev/fb0: the driver's own mapping, colours and stride, no glass behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ui_fb.framebuffer import FIX_SCREENINFO, VAR_SCREENINFO, Framebuffer, Request
from ui_fb.geometry import Size

SIZE: Size = (800, 480)
COLOURS = {16: (11, 5, 0, 5, 6, 0, 0, 5, 0), 32: (16, 8, 0, 8, 8, 0, 0, 8, 0)}
"""Offset, length and msb_right of red, green and blue (linux/fb.h): RGB565 and XRGB8888."""


def panel_file(path: Path, bits: int, size: Size = SIZE) -> Framebuffer:
    """A framebuffer of `bits` (16 or 32) a pixel over a new file at `path`."""
    stride = size[0] * bits // 8
    path.write_bytes(bytes(stride * size[1]))
    return Framebuffer(path, ioctl=_answers(bits, size, stride))


def _answers(bits: int, size: Size, stride: int) -> Callable[[int, int, bytearray | int], object]:
    var = VAR_SCREENINFO.pack(*size, *size, 0, 0, bits, 0, *COLOURS[bits], *([0] * 23))
    fix = FIX_SCREENINFO.pack(b"file", 0, stride * size[1], 0, 0, 2, 0, 0, 0, stride, 0, 0, 0, 0, 0, 0)
    structs = {Request.FBIOGET_VSCREENINFO: var, Request.FBIOGET_FSCREENINFO: fix}

    def ioctl(_: int, request: int, argument: bytearray | int) -> object:
        if isinstance(argument, bytearray):
            struct = structs[Request(request)]
            argument[: len(struct)] = struct
        return 0

    return ioctl
