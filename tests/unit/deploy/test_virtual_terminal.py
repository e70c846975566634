"""The terminal is taken with its keyboard off and given back as it was, whatever happens between."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware import terminal
from firmware.terminal import K_OFF, VT_STAT, Request, taken
from ui_fb.display import DisplayFault

K_UNICODE = 3


class Console:
    """The kernel's side: terminal 1 in front, keyboard in Unicode mode."""

    def __init__(self, refuses: Request | None = None) -> None:
        self.in_front, self.keyboard, self.refuses = 1, K_UNICODE, refuses

    def ioctl(self, fd: int, request: int, argument: bytearray | int) -> object:
        if request == self.refuses:
            raise OSError(errno.EPERM, "Operation not permitted")
        match request, argument:
            case Request.VT_GETSTATE, bytearray():
                argument[:] = VT_STAT.pack(self.in_front, 0, 0)
            case Request.KDGKBMODE, bytearray():
                argument[:] = self.keyboard.to_bytes(4, "little")
            case Request.KDSKBMODE, int():
                self.keyboard = argument
            case Request.VT_ACTIVATE, int():
                self.in_front = argument
        return 0

    @property
    def as_before(self) -> bool:
        return (self.in_front, self.keyboard) == (1, K_UNICODE)


@pytest.fixture
def tty7(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(terminal.os, "ttyname", lambda fd: "/dev/tty7")
    return 0


def test_ours_is_in_front_with_a_dead_keyboard_and_then_it_is_as_before(tty7: int) -> None:
    console = Console()
    with taken(tty7, console.ioctl) as path:
        assert path == Path("/dev/tty7")
        assert (console.in_front, console.keyboard) == (7, K_OFF)
    assert console.as_before


def test_an_error_gives_it_back_too(tty7: int) -> None:
    console = Console()
    with pytest.raises(ZeroDivisionError), taken(tty7, console.ioctl):
        _ = 1 / 0
    assert console.as_before


@pytest.mark.parametrize("refused", [Request.KDGKBMODE, Request.KDSKBMODE, Request.VT_ACTIVATE])
def test_a_terminal_that_is_not_ours_to_take_is_a_display_fault(tty7: int, refused: Request) -> None:
    console = Console(refused)
    with pytest.raises(DisplayFault, match="tty7"), taken(tty7, console.ioctl):
        pass
    assert console.as_before


def test_what_is_no_virtual_terminal_is_left_alone() -> None:
    read, write = os.pipe()
    ours, theirs = os.openpty()
    try:
        for fd in (read, theirs):
            with taken(fd) as path:
                assert path is None
    finally:
        for fd in (read, write, ours, theirs):
            os.close(fd)
