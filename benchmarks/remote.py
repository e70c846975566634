# ruff: noqa: ARG002, N803 (pyusb names the arguments)
"""Devices of a measured kiosk whose world is in another process: not a pixel of it is drawn in this one.

What lies under the drivers is asked over a local socket. `World.spent_s` is how long that took: time that a
real device, its light and its bytes would take, and no time of the software.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from typing import Any, Self

from drivers.api import CameraControls, DeviceInfo, Frame
from drivers.virtual.usb_bus import Handle, UsbBus, fill, usb_error
from drivers.virtual.usb_sensor import CONFIGURATION, DEVICE

Light = Callable[[], tuple[float, float]]


class World:
    """Asks the process at `address`; each thread has a connection of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._own = threading.local()
        self._lock = threading.Lock()
        self.spent_s = 0.0

    def ask(self, verb: str, *words: Any) -> Any:
        """Do `verb` there and return what it returns; raises what pyusb raises, RuntimeError for a bug."""
        wire = self._wire()
        wire.send((verb, words))
        said, value = wire.recv()
        if said == "usb":
            raise usb_error(*value)
        if said == "bug":
            raise RuntimeError(f"the world cannot {verb}: {value}")
        return value

    def device(self, verb: str, *words: Any) -> Any:
        """`ask`, counted as the device's own time."""
        began = time.perf_counter()
        try:
            return self.ask(verb, *words)
        finally:
            with self._lock:
                self.spent_s += time.perf_counter() - began

    def _wire(self) -> Connection:
        if not hasattr(self._own, "wire"):
            self._own.wire = Client(self._address, family="AF_UNIX")
        wire: Connection = self._own.wire
        return wire


class RemoteSensor(UsbBus):
    """pyusb's backend: descriptors are here, transfers go to the virtual sensor in the world."""

    virtual = True

    def __init__(self, world: World) -> None:
        super().__init__(DEVICE, CONFIGURATION)
        self._world = world

    def ctrl_transfer(
        self,
        dev_handle: Handle,
        bmRequestType: int,
        bRequest: int,
        wValue: int,
        wIndex: int,
        data: array[int],
        timeout: int,
    ) -> int:
        asked = (bmRequestType, bRequest, wValue, wIndex, bytes(data), timeout)
        return fill(data, self._world.device("sensor.control", *asked))

    def intr_read(self, dev_handle: Handle, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        """Always pending on a thread of its own: nobody's time."""
        return fill(buff, self._world.ask("sensor.interrupt", ep, len(buff), timeout))

    def bulk_read(self, dev_handle: Handle, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        return fill(buff, self._world.device("sensor.bulk", ep, len(buff), timeout))


class RemoteCamera:
    """A `drivers.api.Camera`; its scene is lit by the lamps of this kiosk's panel."""

    def __init__(self, world: World, light: Light) -> None:
        self._world, self._light = world, light

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("camera", "virtual camera in another process", virtual=True)

    def __enter__(self) -> Self:
        self._world.ask("camera.open")
        return self

    def __exit__(self, *_: object) -> None:
        """The world ends by itself."""

    def controls(self) -> frozenset[str]:
        return frozenset({"exposure_us", "gain", "white_balance_locked"})

    def set_controls(self, wanted: CameraControls) -> None:
        self._world.ask("camera.set_controls", wanted)

    def preview(self, timeout_s: float) -> Frame:
        return self._frame("camera.preview")

    def still(self, timeout_s: float) -> Frame:
        return self._frame("camera.still")

    def _frame(self, verb: str) -> Frame:
        frame: Frame = self._world.device(verb, self._light())
        return frame
