"""Taps from an evdev device: a multitouch panel, a single-touch one, a tablet, or a mouse.

A tap is the first contact of one finger; it counts at once. More fingers, dragging and bounce are no taps.
Kernel interface: Documentation/input/multi-touch-protocol.rst (type B) and linux/input-event-codes.h.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol, Self

from ui_fb.geometry import Size

BOUNCE_S = 0.12  # a contact this soon after the last one ended is the same finger


class Type(IntEnum):
    SYN = 0
    KEY = 1
    REL = 2
    ABS = 3


class Code(IntEnum):
    """Codes of several types; their numbers repeat, so they are compared together with the type."""

    SYN_REPORT = 0
    SYN_DROPPED = 3
    BTN_LEFT = 0x110
    BTN_TOUCH = 0x14A
    ABS_MT_SLOT = 0x2F
    ABS_MT_POSITION_X = 0x35
    ABS_MT_POSITION_Y = 0x36
    ABS_MT_TRACKING_ID = 0x39


X, Y = 0, 1  # ABS_X, ABS_Y, REL_X, REL_Y


class TouchGone(Exception):
    """The device was unplugged or never there."""


class InputEvent(Protocol):
    """What `evdev.InputEvent` offers."""

    type: int
    code: int
    value: int

    def timestamp(self) -> float: ...


class InputDevice(Protocol):
    """What `evdev.InputDevice` offers; `read` may raise OSError or BlockingIOError."""

    def fileno(self) -> int: ...
    def read(self) -> Iterable[InputEvent]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tap:
    """Pixels from the top left of the screen."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a device's span to the screen.

    `x` and `y` are the device's (least, greatest) values. `matrix` turns 0..1 into 0..1 as libinput's
    calibration matrix does (a b c d e f: x' = a·x + b·y + c), so that it also mirrors and swaps.
    """

    x: tuple[int, int]
    y: tuple[int, int]
    matrix: tuple[float, float, float, float, float, float] = (1, 0, 0, 0, 1, 0)

    def tap(self, x: int, y: int, size: Size) -> Tap:
        """Return where (x, y) lies on a screen of `size`, kept inside it."""
        across, down = _share(x, self.x), _share(y, self.y)
        a, b, c, d, e, f = self.matrix
        return Tap(_pixel(a * across + b * down + c, size[0]), _pixel(d * across + e * down + f, size[1]))


def _share(value: int, span: tuple[int, int]) -> float:
    return (value - span[0]) / max(1, span[1] - span[0])


def _pixel(share: float, length: int) -> int:
    return min(length - 1, max(0, int(share * length)))


class Decoder:
    """Event by event to taps; knows no device. Without `calibration` the device is a mouse."""

    def __init__(self, size: Size, calibration: Calibration | None) -> None:
        self._size, self._calibration = size, calibration
        self._x, self._y = (0, 0) if calibration else (size[0] // 2, size[1] // 2)
        self._down: set[int] = set()
        self._slot = 0
        self._multitouch = False
        self._pressed = False
        self._ended_s = float("-inf")
        self._dropped = False

    def feed(self, event: InputEvent) -> Tap | None:
        """Return a tap when this event completes one."""
        if event.type == Type.SYN:
            return self._report(event)
        if self._dropped:
            return None
        if event.type == Type.ABS:
            self._absolute(event.code, event.value)
        elif event.type == Type.REL:
            self._relative(event.code, event.value)
        elif (
            event.type == Type.KEY and event.code in (Code.BTN_TOUCH, Code.BTN_LEFT) and not self._multitouch
        ):
            self._contact(-1, event.value != 0)
        return None

    def _report(self, event: InputEvent) -> Tap | None:
        if event.code == Code.SYN_DROPPED:
            self._dropped = True
            return None
        if self._dropped:  # what was lost may have been a finger leaving: start anew
            self._dropped = False
            self._down.clear()
        was, self._pressed = self._pressed, bool(self._down)
        if was and not self._pressed:
            self._ended_s = event.timestamp()
        if was or not self._pressed or event.timestamp() - self._ended_s < BOUNCE_S:
            return None
        if self._calibration is None:
            return Tap(self._x, self._y)
        return self._calibration.tap(self._x, self._y, self._size)

    def _absolute(self, code: int, value: int) -> None:
        if code == Code.ABS_MT_SLOT:
            self._slot = value
        elif code == Code.ABS_MT_TRACKING_ID:
            self._multitouch = True
            self._contact(self._slot, value >= 0)
        elif code == Code.ABS_MT_POSITION_X or (code == X and not self._multitouch):
            self._x = value
        elif code == Code.ABS_MT_POSITION_Y or (code == Y and not self._multitouch):
            self._y = value

    def _relative(self, code: int, value: int) -> None:
        if code == X:
            self._x = min(self._size[0] - 1, max(0, self._x + value))
        elif code == Y:
            self._y = min(self._size[1] - 1, max(0, self._y + value))

    def _contact(self, finger: int, touching: bool) -> None:
        if touching:
            self._down.add(finger)
        else:
            self._down.discard(finger)


class Touch:
    """Waits for taps on one device. `wake` may be called from any thread; the rest belongs to one.

    A context manager; leaving it closes the device.
    """

    def __init__(self, device: InputDevice, decoder: Decoder) -> None:
        self._device, self._decoder = device, decoder
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waiting: list[Tap] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, timeout_s: float | None = None) -> Tap | None:
        """Return the next tap; None when `wake` was called or the time is over. Raises TouchGone."""
        if not self._waiting:
            ready, _, _ = select.select([self._device.fileno(), self._wake], [], [], timeout_s)
            if self._wake in ready:
                os.eventfd_read(self._wake)
                return None
            if ready:
                self._read()
        return self._waiting.pop(0) if self._waiting else None

    def wake(self) -> None:
        """Make a `wait` that is under way, or the next one, return at once."""
        os.eventfd_write(self._wake, 1)

    def listen(self, heard: Callable[[Tap], None], stopped: Callable[[], bool]) -> None:
        """Call `heard` for every tap until `stopped` says so after a `wake`. Raises TouchGone."""
        while not stopped():
            if tap := self.wait():
                heard(tap)

    def close(self) -> None:
        self._device.close()
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1

    def _read(self) -> None:
        try:
            for event in self._device.read():
                if tap := self._decoder.feed(event):
                    self._waiting.append(tap)
        except BlockingIOError:
            return
        except OSError as exc:
            raise TouchGone("the touch device was unplugged") from exc


def open_touch(
    path: str, size: Size, matrix: tuple[float, float, float, float, float, float] = (1, 0, 0, 0, 1, 0)
) -> Touch:
    """Open /dev/input/event… for a screen of `size`; raises TouchGone when it is not there or unreadable."""
    import evdev

    try:
        device = evdev.InputDevice(path)
        known: Any = device.capabilities(absinfo=True)
        axes = dict(known.get(Type.ABS, []))
    except OSError as exc:
        raise TouchGone(f"{path}: {exc}") from exc
    across = axes.get(Code.ABS_MT_POSITION_X) or axes.get(X)
    down = axes.get(Code.ABS_MT_POSITION_Y) or axes.get(Y)
    if across is None or down is None:
        return Touch(device, Decoder(size, None))
    spans = (across.min, across.max), (down.min, down.max)
    return Touch(device, Decoder(size, Calibration(*spans, matrix)))
