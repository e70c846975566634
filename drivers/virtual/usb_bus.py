# ruff: noqa: ARG002 (pyusb names the arguments)
"""A USB bus for pyusb on which exactly one device is, or is not, plugged in.

What the device does is left to a subclass: it
answers transfers; this class answers what the operating system would (enumeration, descriptors, claims).
"""

from __future__ import annotations

import errno
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import usb.core
from usb.backend import IBackend

DEVICE_DESCRIPTOR = "<BBHBBBBHHHBBBB"  # USB 2.0, 9.6.1
DEVICE_FIELDS = """bLength bDescriptorType bcdUSB bDeviceClass bDeviceSubClass bDeviceProtocol
    bMaxPacketSize0 idVendor idProduct bcdDevice iManufacturer iProduct iSerialNumber bNumConfigurations"""
CONFIGURATION_DESCRIPTOR = "<BBHBBBBB"  # 9.6.3
CONFIGURATION_FIELDS = """bLength bDescriptorType wTotalLength bNumInterfaces bConfigurationValue
    iConfiguration bmAttributes bMaxPower"""
INTERFACE_DESCRIPTOR = "<9B"  # 9.6.5
INTERFACE_FIELDS = """bLength bDescriptorType bInterfaceNumber bAlternateSetting bNumEndpoints
    bInterfaceClass bInterfaceSubClass bInterfaceProtocol iInterface"""
ENDPOINT_DESCRIPTOR = "<BBBBHB"  # 9.6.6
ENDPOINT_FIELDS = "bLength bDescriptorType bEndpointAddress bmAttributes wMaxPacketSize bInterval"
ENDPOINT_SIZE = 7
FULL_SPEED = 2


@dataclass(frozen=True, slots=True)
class Handle:
    """One opening of the device; it dies with the plug it was opened on."""

    plug: int


class UsbBus(IBackend):  # type: ignore[misc] # pyusb has no types
    """Descriptors are the device's own bytes: `device` and `configuration` (one interface, its endpoints).

    Raises ValueError when they are not.
    """

    def __init__(self, device: bytes, configuration: bytes) -> None:
        self._device = _parsed(DEVICE_DESCRIPTOR, DEVICE_FIELDS, device)
        self._device.__dict__.update(address=2, bus=1, port_number=1, port_numbers=(1,), speed=FULL_SPEED)
        self._configuration = _parsed(CONFIGURATION_DESCRIPTOR, CONFIGURATION_FIELDS, configuration)
        rest = configuration[self._configuration.bLength :]
        self._interface = _parsed(INTERFACE_DESCRIPTOR, INTERFACE_FIELDS, rest)
        rest = rest[self._interface.bLength :]
        self._endpoints = [
            _parsed(ENDPOINT_DESCRIPTOR, ENDPOINT_FIELDS, rest[index * ENDPOINT_SIZE :])
            for index in range(self._interface.bNumEndpoints)
        ]
        for endpoint in self._endpoints:
            endpoint.__dict__.update(bRefresh=0, bSynchAddress=0)
        self._plug: int | None = 1

    # --- what the operating system answers -------------------------------------------------------

    def enumerate_devices(self) -> Iterator[Handle]:
        if self._plug is not None:
            yield Handle(self._plug)

    def get_parent(self, dev: Handle) -> None:
        return None

    def get_device_descriptor(self, dev: Handle) -> SimpleNamespace:
        return self._device

    def get_configuration_descriptor(self, dev: Handle, config: int) -> SimpleNamespace:
        return _only(self._configuration, config)

    def get_interface_descriptor(self, dev: Handle, intf: int, alt: int, config: int) -> SimpleNamespace:
        return _only(self._interface, intf, alt, config)

    def get_endpoint_descriptor(
        self, dev: Handle, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        _only(self._interface, intf, alt, config)
        return self._endpoints[ep]

    def open_device(self, dev: Handle) -> Handle:
        self._check(dev)
        return dev

    def close_device(self, dev_handle: Handle) -> None:
        pass

    def get_configuration(self, dev_handle: Handle) -> int:
        self._check(dev_handle)
        return int(self._configuration.bConfigurationValue)

    def claim_interface(self, dev_handle: Handle, intf: int) -> None:
        self._check(dev_handle)

    def release_interface(self, dev_handle: Handle, intf: int) -> None:
        self._check(dev_handle)

    def _check(self, handle: Handle) -> None:
        """Raise ENODEV unless the device that `handle` was opened on is still plugged in."""
        if handle.plug != self._plug:
            raise usb_error(errno.ENODEV, "No such device (it may have been disconnected)")


def usb_error(number: int, why: str) -> Exception:
    """Return what pyusb's libusb backend raises for this errno."""
    kind = usb.core.USBTimeoutError if number == errno.ETIMEDOUT else usb.core.USBError
    error: Exception = kind(why, None, number)
    return error


def fill(buffer: array[int], data: bytes) -> int:
    """Put what the device sent into pyusb's buffer and return its size; too much is an overflow."""
    if len(data) > len(buffer):
        raise usb_error(errno.EOVERFLOW, "Overflow")
    memoryview(buffer)[: len(data)] = data
    return len(data)


def _only(descriptor: SimpleNamespace, *indices: int) -> SimpleNamespace:
    if any(indices):
        raise IndexError("there is one configuration, interface and setting")
    return descriptor


def _parsed(layout: str, fields: str, raw: bytes) -> SimpleNamespace:
    size = struct.calcsize(layout)
    if len(raw) < size or raw[0] < size:
        raise ValueError(f"USB descriptor is cut off: {raw[:size].hex()}")
    values = zip(fields.split(), struct.unpack_from(layout, raw), strict=True)
    return SimpleNamespace(**dict(values), extra_descriptors=b"")
