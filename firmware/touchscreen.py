"""The touch screen's thread: taps to the loop; a panel that was unplugged is looked for until it is back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from drivers.errors import DeviceGone
from drivers.worker import BACKOFF_S, Broken, Down, Up
from firmware.app.kiosk import Tap
from ui_fb import touch

log = logging.getLogger(__name__)
NAME = "touch"


class Inbox(Protocol):
    def post(self, message: object) -> None: ...


class TouchScreen:
    """Posts a `Tap` for each tap on what `opens` opens, `Up` and `Down` as any device's worker does.

    A context manager; leaving it ends the thread. `opens` raises TouchGone while there is nothing to open.
    Anything else is a bug, posted as `Broken`.
    """

    def __init__(self, opens: Callable[[], touch.Touch], inbox: Inbox, expected: bool = True) -> None:
        """Not `expected`: a station that may have none; one that was there is missed all the same."""
        self._opens, self._inbox, self._expected = opens, inbox, expected
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._open: touch.Touch | None = None
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def __enter__(self) -> TouchScreen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with self._lock:
            if self._open is not None:
                self._open.wake()
        self._thread.join()

    def _run(self) -> None:
        pause_s = BACKOFF_S[0]
        try:
            while not self._ending.is_set():
                try:
                    with self._opens() as opened:
                        pause_s = BACKOFF_S[0]
                        self._expected = True
                        self._inbox.post(Up(NAME, None))
                        self._listen(opened)
                except touch.TouchGone as gone:
                    if self._expected:
                        self._inbox.post(Down(NAME, DeviceGone(NAME, str(gone))))
                    elif pause_s == BACKOFF_S[0]:  # said once, not at each try
                        log.warning("no touch: %s", gone)
                    self._ending.wait(pause_s)
                    pause_s = min(2 * pause_s, BACKOFF_S[1])
        except Exception as bug:  # noqa: BLE001  reported, and the process ends: see `Broken`
            self._inbox.post(Broken(NAME, bug))

    def _listen(self, opened: touch.Touch) -> None:
        self._now(opened)
        try:
            opened.listen(lambda tap: self._inbox.post(Tap(tap.x, tap.y)), self._ending.is_set)
        finally:
            self._now(None)

    def _now(self, opened: touch.Touch | None) -> None:
        with self._lock:
            self._open = opened


def first_touch_screen() -> str:
    """The path of the first touch screen, else of the first mouse. Raises TouchGone: there is neither."""
    import evdev

    mice = []
    for path in sorted(evdev.list_devices()):
        keys, axes, moves = _abilities(path)
        if touch.Code.BTN_TOUCH in keys and axes & {touch.Code.ABS_MT_POSITION_X, touch.X}:
            return path
        if touch.Code.BTN_LEFT in keys and moves >= {touch.X, touch.Y}:
            mice.append(path)
    if not mice:
        raise touch.TouchGone("no touch screen is there, or this user may not read /dev/input")
    return mice[0]


def _abilities(path: str) -> tuple[set[int], set[int], set[int]]:
    """Keys, absolute and relative axes of an input device; none of a device that has just left."""
    import evdev

    try:
        device = evdev.InputDevice(path)
    except OSError:
        return set(), set(), set()
    try:
        can = device.capabilities(absinfo=False)
    except OSError:
        can = {}
    finally:
        device.close()
    return (
        set(can.get(touch.Type.KEY, [])),
        set(can.get(touch.Type.ABS, [])),
        set(can.get(touch.Type.REL, [])),
    )
