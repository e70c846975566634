"""The virtual terminal: taken for the picture, with its keyboard off, and given back as it was.

systemd hands it over as our standard input and controlling terminal (StandardInput=tty, TTYPath=): without
that the kernel lets nobody but a privileged process do any of this. The framebuffer's own part, text mode
to graphics, is `ui_fb.framebuffer`'s. Kernel interface: linux/vt.h, linux/kd.h.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path

from ui_fb.display import DisplayFault

VT_STAT = struct.Struct("@3H")  # vt_stat: v_active, v_signal, v_state
K_OFF = 4
STDIN = 0
Ioctl = Callable[[int, int, bytearray | int], object]


class Request(IntEnum):
    KDGKBMODE = 0x4B44
    KDSKBMODE = 0x4B45
    VT_GETSTATE = 0x5603
    VT_ACTIVATE = 0x5606


def _kernel(fd: int, request: int, argument: bytearray | int) -> object:
    return fcntl.ioctl(fd, request, argument)


@contextmanager
def taken(fd: int = STDIN, ioctl: Ioctl = _kernel) -> Iterator[Path | None]:
    """Bring the virtual terminal behind `fd` to the front, keyboard off; yields its path.

    Yields None, and does nothing, where `fd` is no virtual terminal (a shell over the network, a pipe).
    Keys do nothing while it is taken: neither text, nor Ctrl-C, nor a switch to a login. Raises DisplayFault
    where the kernel refuses: the terminal is not our controlling one.
    """
    try:
        path, in_front = Path(os.ttyname(fd)), _in_front(fd, ioctl)
    except OSError:
        yield None
        return
    with ExitStack() as giving_back:
        try:
            keyboard = bytearray(4)
            ioctl(fd, Request.KDGKBMODE, keyboard)
            ioctl(fd, Request.KDSKBMODE, K_OFF)
            giving_back.callback(ioctl, fd, Request.KDSKBMODE, int.from_bytes(keyboard, "little"))
            ioctl(fd, Request.VT_ACTIVATE, number_of(path))
            giving_back.callback(ioctl, fd, Request.VT_ACTIVATE, in_front)
        except OSError as exc:
            raise DisplayFault(f"{path} cannot be taken: {exc.strerror}") from exc
        yield path


def number_of(path: Path) -> int:
    """7 of /dev/tty7."""
    return int(path.name.removeprefix("tty"))


def _in_front(fd: int, ioctl: Ioctl) -> int:
    """The number of the terminal that shows now; OSError (ENOTTY) when `fd` is not a virtual one."""
    state = bytearray(VT_STAT.size)
    ioctl(fd, Request.VT_GETSTATE, state)
    return int(VT_STAT.unpack(state)[0])
