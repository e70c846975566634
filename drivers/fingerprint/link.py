"""The USB link of a U.are.U sensor: moves bytes over its four pipes and knows no register.

pyusb's reads block, and the sensor wants reads to be pending before it is told to act. So interrupts are
read by a thread of their own for as long as the link is open, and a bulk read runs on another.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Condition, Event
from typing import Any

import usb.core
import usb.util

from drivers.errors import DeviceGone, DeviceRefused, DeviceTimeout, ProtocolError

INTERFACE = 0
INTERRUPT_IN = 0x81
BULK_IN = 0x82
INTERRUPT_SIZE = 64
VENDOR_READ = 0xC0
VENDOR_WRITE = 0x40
REGISTERS = 0x04  # bRequest
CONTROL_TIMEOUT_S = 0.5
KEPT_INTERRUPTS = 64

GONE = {errno.ENODEV, errno.ESHUTDOWN, errno.ENXIO, errno.EIO}
REFUSED = {errno.EACCES, errno.EPERM, errno.EBUSY}


class UsbLink:
    """One opened sensor. Every call ends before its timeout and raises only DeviceFault.

    `poll_s` is how long one interrupt read lasts before it is renewed, and so how long closing may take.
    """

    def __init__(self, device: Any, poll_s: float = 0.1) -> None:
        self._device = device
        self._poll_ms = _milliseconds(poll_s)
        self._arrived = Condition()
        self._interrupts: deque[bytes] = deque(maxlen=KEPT_INTERRUPTS)
        self._listener: Future[None] = Future()
        self._closing = Event()
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="finger-usb")

    def open(self) -> None:
        """Claim the interface and start to read interrupts."""
        with _translated("open"):
            usb.util.claim_interface(self._device, INTERFACE)
            endpoints = {e.bEndpointAddress for e in self._device.get_active_configuration()[(0, 0)]}
        if not {INTERRUPT_IN, BULK_IN} <= endpoints:
            raise ProtocolError("finger", "open: its endpoints are not those of a U.are.U")
        self._listener = self._readers.submit(self._listen)
        self._listener.add_done_callback(self._wake)

    def close(self) -> None:
        """End both threads and let go of the device; never raises a fault."""
        self._closing.set()
        self._readers.shutdown()
        with suppress(usb.core.USBError):
            usb.util.dispose_resources(self._device)

    def read_registers(self, first: int, count: int, timeout_s: float = CONTROL_TIMEOUT_S) -> bytes:
        """Return `count` registers from `first` on."""
        with _translated(f"read register {first:#x}"):
            data = self._device.ctrl_transfer(
                VENDOR_READ, REGISTERS, first, 0, count, _milliseconds(timeout_s)
            )
        if len(data) != count:
            raise ProtocolError("finger", f"register {first:#x}: {len(data)} of {count} bytes")
        return bytes(data)

    def write_registers(self, first: int, data: bytes, timeout_s: float = CONTROL_TIMEOUT_S) -> None:
        """Write one byte into each register from `first` on."""
        with _translated(f"write register {first:#x}"):
            written = self._device.ctrl_transfer(
                VENDOR_WRITE, REGISTERS, first, 0, data, _milliseconds(timeout_s)
            )
        if written != len(data):
            raise ProtocolError("finger", f"register {first:#x}: {written} of {len(data)} taken")

    def begin_bulk_read(self, size: int, timeout_s: float) -> Future[bytes]:
        """Return once a read of up to `size` bytes is on its way; its result is there by `timeout_s`."""
        started = Event()

        def read() -> bytes:
            started.set()
            with _translated("read a frame"):
                return bytes(self._device.read(BULK_IN, size, _milliseconds(timeout_s)))

        pending = self._readers.submit(read)
        started.wait(timeout_s)
        return pending

    def next_interrupt(self, timeout_s: float) -> bytes | None:
        """Return the oldest packet not yet taken, or None if none came in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._interrupts or self._listener.done(), timeout_s)
            if self._interrupts:
                return self._interrupts.popleft()
        if self._listener.done():
            self._listener.result()
        return None

    def _listen(self) -> None:
        while not self._closing.is_set():
            with suppress(DeviceTimeout), _translated("read interrupts"):
                packet = bytes(self._device.read(INTERRUPT_IN, INTERRUPT_SIZE, self._poll_ms))
                with self._arrived:
                    self._interrupts.append(packet)
                    self._arrived.notify_all()

    def _wake(self, _listener: Future[None]) -> None:
        with self._arrived:
            self._arrived.notify_all()


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn pyusb's errors into ours, here and nowhere else."""
    try:
        yield
    except usb.core.USBTimeoutError as exc:
        raise DeviceTimeout("finger", doing) from exc
    except usb.core.USBError as exc:
        if exc.errno in GONE:
            raise DeviceGone("finger", doing) from exc
        if exc.errno in REFUSED:
            raise DeviceRefused("finger", f"{doing}: {exc.strerror}") from exc
        raise ProtocolError("finger", f"{doing}: {exc.strerror}") from exc


def _milliseconds(seconds: float) -> int:
    """At least one: libusb takes zero for no limit."""
    return max(1, round(seconds * 1000))
