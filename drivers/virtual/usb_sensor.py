# ruff: noqa: ARG002, N803 (pyusb names the arguments)
"""A virtual U.are.U 4500: a pyusb backend that is the sensor, register by register.

It is as strict as the real one, and where that one would lose data it says so: what its registers refuse
stalls, and so does waking it with no interrupt read pending, or starting a capture with no bulk read
pending, once the request's time is over.

Two threads meet here: the driver calls the backend's methods, the world calls the verbs (`place`, `lift`,
`unplug`, `plug`, `die` and those after them). Nothing is timed unless `pause` is given.
"""

from __future__ import annotations

import errno
import secrets
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

import numpy as np
import usb.core

from drivers.virtual.sensor_frames import Pixels, on_glass
from drivers.virtual.sensor_registers import Mode, Register, RegisterError, Sensor
from drivers.virtual.usb_bus import Handle, UsbBus, fill, usb_error

FRAME_S = 0.128
MAX_SIDE_PX = 1000
DEVICE = bytes.fromhex("1201000200000040ba050a00030101020301")
CONFIGURATION = bytes.fromhex("0902200001010080640904000002ffffff000705810340000807058202400000")
STRINGS = ("DigitalPersona, Inc.", "U.are.U 4500 Fingerprint Reader")
US_ENGLISH = 0x0409
MICROSOFT_V2 = (0x045E, 0x00CA)
"""The one that wakes only for a driver that enciphers its challenge."""
STANDARD_READ, VENDOR_READ, VENDOR_WRITE = 0x80, 0xC0, 0x40
GET_DESCRIPTOR, STRING = 6, 3
REGISTERS = 4
INTERRUPT, BULK = 0x81, 0x82


class VirtualSensor(UsbBus):
    """Hand it to the driver as `backend`.

    `pause(seconds)`, if given, is called with nothing locked while a frame is on its way (128 ms). `ids` are
    its USB vendor and product: another member of the family.
    """

    virtual = True

    def __init__(
        self,
        *,
        serial: str = "VIRTUAL-1",
        pause: Callable[[float], None] | None = None,
        ids: tuple[int, int] = (0x05BA, 0x000A),
    ) -> None:
        vendor, product = (each.to_bytes(2, "little") for each in ids)
        super().__init__(DEVICE[:8] + vendor + product + DEVICE[12:], CONFIGURATION)
        self._asks_proof = ids == MICROSOFT_V2
        self._strings = (*STRINGS, serial)
        self._pause = pause
        self._changed = Condition()
        self._plugs = 1
        self._sensor = self._powered(None)
        self._pending: Counter[int] = Counter()
        self._mute = False

    # --- verbs of the world ----------------------------------------------------------------------

    def place(self, impression: Pixels) -> None:
        """Put a finger down: (height, width) uint8 at 500 ppi, ridges dark; the glass takes its middle.

        Placing again replaces it. Raises ValueError on another type or a side over 1000 pixels.
        """
        if impression.dtype != np.uint8 or impression.ndim != 2 or max(impression.shape) > MAX_SIDE_PX:
            raise ValueError(f"no impression: {impression.dtype} {impression.shape}")
        with self._change():
            self._sensor.finger(on_glass(impression))

    def lift(self) -> None:
        """Take the finger off; allowed when there is none."""
        with self._change():
            self._sensor.finger(None)

    def unplug(self) -> None:
        """Pull the cable: every transfer under way and to come ends with ENODEV."""
        with self._change():
            self._plug = None

    def plug(self) -> None:
        """Put the cable back: a device that starts anew, under the finger that lies on it."""
        with self._change():
            self._plugs += 1
            self._plug = self._plugs
            self._mute = False
            self._sensor = self._powered(self._sensor.seen)

    def _powered(self, seen: Pixels | None) -> Sensor:
        sensor = Sensor(seen)
        sensor.challenge = secrets.token_bytes(16) if self._asks_proof else None
        return sensor

    def die(self) -> None:
        """Report `death`: the next frame comes out empty."""
        with self._change():
            self._sensor.die()

    def wedge(self, polls: int = 3) -> None:
        """Be found in a bad state: HWSTAT reads 0x85 until its low nibble was written `polls` times."""
        with self._change():
            self._sensor.wedge(polls)

    def doze(self) -> None:
        """Fall back to sleep by itself: its registers answer, its signals are over."""
        with self._change():
            self._sensor.doze()

    def hush(self) -> None:
        """Tell of no finger more, and of no empty glass; all else works, until plugged in again."""
        with self._change():
            self._sensor.hushed = True

    def mute(self) -> None:
        """Answer nothing more, until plugged in again."""
        with self._change():
            self._mute = True

    def cut_next_frame(self, size: int) -> None:
        """Send only the first `size` bytes of the next frame."""
        with self._change():
            self._sensor.next_size = size

    def change_key(self) -> None:
        """Have a new scramble key begin within each further frame."""
        with self._change():
            self._sensor.changes_key = True

    def asked(self, timeout_s: float) -> bool:
        """Wait until the light asks for a finger; False if it did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._sensor.mode is Mode.FINGER_ON, timeout_s)

    def heard(self, timeout_s: float) -> bool:
        """Wait until the host has taken every report and listens again; False if it did not in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._sensor.packets and self._pending[INTERRUPT] > 0, timeout_s
            )

    def rests(self, timeout_s: float) -> bool:
        """Wait until it is asleep; False if it was not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._sensor.mode in (Mode.OFF, Mode.INIT), timeout_s)

    @property
    def asleep(self) -> bool:
        """Whether it was told to rest, or never woken."""
        return self.rests(0.0)

    # --- transfers -------------------------------------------------------------------------------

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
        with self._transfer(dev_handle, timeout):
            if (bmRequestType, bRequest) == (STANDARD_READ, GET_DESCRIPTOR):
                return fill(data, self._descriptor(wValue)[: len(data)])
            if (bmRequestType, bRequest, wIndex) == (VENDOR_READ, REGISTERS, 0):
                return fill(data, self._sensor.read(wValue, len(data)))
            if (bmRequestType, bRequest, wIndex) == (VENDOR_WRITE, REGISTERS, 0):
                self._need_read(dev_handle, wValue, bytes(data), timeout)
                self._sensor.write(wValue, bytes(data))
                return len(data)
            raise RegisterError("unknown request")

    def intr_read(self, dev_handle: Handle, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        with self._transfer(dev_handle, timeout), self._read_pending(ep):
            self._until(dev_handle, lambda: not self._mute and bool(self._sensor.packets), timeout)
            return fill(buff, self._sensor.packets.popleft())

    def bulk_read(self, dev_handle: Handle, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        with self._transfer(dev_handle, timeout), self._read_pending(ep):
            self._until(dev_handle, lambda: not self._mute and self._sensor.mode is Mode.CAPTURE, timeout)
            if self._pause:
                self._pass(self._pause, FRAME_S)
                self._check(dev_handle)
            return fill(buff, self._sensor.frame())

    def _need_read(self, handle: Handle, register: int, data: bytes, timeout: int) -> None:
        """Refuse what makes the sensor send at once while nobody reads: it would be lost."""
        starts_capture = (register, data) == (Register.MODE, bytes([Mode.CAPTURE]))
        if register != Register.HWSTAT and not starts_capture:
            return
        pipe = BULK if starts_capture else INTERRUPT
        try:
            self._until(handle, lambda: self._pending[pipe] > 0, timeout)
        except usb.core.USBTimeoutError:
            raise RegisterError(f"no read is pending on {pipe:#x}") from None

    def _descriptor(self, value: int) -> bytes:
        """String descriptors (USB 2.0, 9.6.7); the others were answered by the operating system."""
        kind, index = divmod(value, 256)
        if kind != STRING or index > len(self._strings):
            raise RegisterError("no such descriptor")
        text = self._strings[index - 1].encode("utf-16-le") if index else US_ENGLISH.to_bytes(2, "little")
        return bytes([2 + len(text), STRING]) + text

    # --- threads ---------------------------------------------------------------------------------

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._changed:
            yield
            self._changed.notify_all()

    @contextmanager
    def _transfer(self, handle: Handle, timeout: int) -> Iterator[None]:
        """Hold the lock for one transfer; a refusal stalls it."""
        with self._change():
            self._check(handle)
            try:
                self._until(handle, lambda: not self._mute, timeout)
                yield
            except RegisterError as refusal:
                raise usb_error(errno.EPIPE, f"Pipe error: {refusal}") from None

    @contextmanager
    def _read_pending(self, endpoint: int) -> Iterator[None]:
        self._pending[endpoint] += 1
        self._changed.notify_all()
        try:
            yield
        finally:
            self._pending[endpoint] -= 1

    def _until(self, handle: Handle, there: Callable[[], bool], timeout: int) -> None:
        """Wait for the device; raise ETIMEDOUT, or ENODEV when it goes."""
        done = self._changed.wait_for(lambda: handle.plug != self._plug or there(), timeout / 1000)
        self._check(handle)
        if not done:
            raise usb_error(errno.ETIMEDOUT, "Operation timed out")

    def _pass(self, pause: Callable[[float], None], seconds: float) -> None:
        self._changed.release()
        try:
            pause(seconds)
        finally:
            self._changed.acquire()
