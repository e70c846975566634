"""Taps reach the loop, a panel that was unplugged comes back, and a bug is never swallowed."""

from __future__ import annotations

import queue
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.worker import Broken, Down, Up
from firmware import touchscreen
from firmware.app.kiosk import Tap
from firmware.touchscreen import TouchScreen, first_touch_screen
from ui_fb.touch import Code, Touch, TouchGone, Type

LONG_S = 10.0


class Inbox:
    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def post(self, message: object) -> None:
        self.messages.put(message)

    def next(self) -> Any:
        return self.messages.get(timeout=LONG_S)


class FingerOn:
    """A `Touch` with a script: what `wait` gives, one after the other; then it waits for `wake`."""

    def __init__(self, *script: Any) -> None:
        self._script: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for step in script:
            self._script.put(step)
        self.closed = False

    def __enter__(self) -> FingerOn:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def wake(self) -> None:
        self._script.put(None)

    def listen(self, heard: Callable[[Any], None], stopped: Callable[[], bool]) -> None:
        while not stopped():
            step = self._script.get(timeout=LONG_S)
            if isinstance(step, Exception):
                raise step
            if step is not None:
                heard(step)


def opening(*touches: Any) -> Callable[[], Touch]:
    """Opens one after the other; an error among them is raised."""
    left = list(touches)

    def opens() -> Touch:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one  # type: ignore[no-any-return]

    return opens


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touchscreen, "BACKOFF_S", (0.0, 0.0))


def test_a_tap_reaches_the_loop_as_its_own_kind() -> None:
    inbox = Inbox()
    with TouchScreen(opening(FingerOn(SimpleNamespace(x=3, y=4))), inbox):
        assert isinstance(inbox.next(), Up)
        assert inbox.next() == Tap(3, 4)


def test_leaving_ends_the_thread_and_closes_the_device() -> None:
    device = FingerOn()
    screen = TouchScreen(opening(device), Inbox())
    with screen:
        pass
    assert not screen._thread.is_alive()


def test_an_unplugged_panel_is_opened_again() -> None:
    inbox = Inbox()
    gone = FingerOn(TouchGone("unplugged"))
    back = FingerOn(SimpleNamespace(x=1, y=2))
    with TouchScreen(opening(TouchGone("not yet"), gone, TouchGone("still"), back), inbox):
        while (message := inbox.next()) != Tap(1, 2):
            assert isinstance(message, Up | Down)
    assert gone.closed
    assert back.closed


def test_a_lost_touch_screen_is_said_at_each_try_with_its_reason_and_so_is_its_return() -> None:
    inbox = Inbox()
    gone, back = FingerOn(TouchGone("unplugged")), FingerOn()
    none = TouchGone("none is there")
    with TouchScreen(opening(none, none, gone, back), inbox):
        told = [inbox.next() for _ in range(5)]
    assert [type(each) for each in told] == [Down, Down, Up, Down, Up]
    assert {each.worker for each in told} == {"touch"}
    assert [each.fault.doing for each in told if isinstance(each, Down)] == [
        "none is there",
        "none is there",
        "unplugged",
    ]


def test_a_station_that_never_had_a_touch_screen_misses_none() -> None:
    inbox = Inbox()
    gone = FingerOn(TouchGone("unplugged"))
    with TouchScreen(opening(TouchGone("none"), TouchGone("none"), gone, FingerOn()), inbox, expected=False):
        told = [inbox.next() for _ in range(3)]
    assert [type(each) for each in told] == [Up, Down, Up], "one that was there is missed"


def test_a_bug_is_posted_and_ends_the_process() -> None:
    inbox = Inbox()
    with TouchScreen(opening(ValueError("a bug")), inbox):
        message = inbox.next()
    assert isinstance(message, Broken)
    assert isinstance(message.error, ValueError)


class Evdev(SimpleNamespace):
    """The library with these devices plugged in: path → capabilities, or an error."""

    def __init__(self, devices: dict[str, Any]) -> None:
        super().__init__(list_devices=lambda: list(devices), InputDevice=self._open)
        self._devices = devices

    def _open(self, path: str) -> Any:
        can = self._devices[path]
        if isinstance(can, Exception):
            raise can
        return SimpleNamespace(capabilities=lambda absinfo: can, close=lambda: None)


KEYBOARD = {Type.KEY: [30, 31]}
MOUSE = {Type.KEY: [Code.BTN_LEFT], Type.REL: [0, 1]}
PANEL = {Type.KEY: [Code.BTN_TOUCH], Type.ABS: [0, 1, Code.ABS_MT_POSITION_X]}


@pytest.mark.parametrize(
    ("devices", "found"),
    [
        ({"event0": KEYBOARD, "event1": MOUSE, "event2": PANEL}, "event2"),
        ({"event0": KEYBOARD, "event1": MOUSE}, "event1"),
        ({"event0": OSError("left"), "event1": PANEL}, "event1"),
    ],
)
def test_the_first_touch_screen_is_found_and_else_a_mouse(
    monkeypatch: pytest.MonkeyPatch, devices: dict[str, Any], found: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "evdev", Evdev(devices))
    assert first_touch_screen() == found


@pytest.mark.parametrize("devices", [{}, {"event0": KEYBOARD}, {"event0": PermissionError("no")}])
def test_no_touch_screen_is_said(monkeypatch: pytest.MonkeyPatch, devices: dict[str, Any]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "evdev", Evdev(devices))
    with pytest.raises(TouchGone):
        first_touch_screen()
