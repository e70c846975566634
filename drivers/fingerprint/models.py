"""The members of the U.are.U family and how they differ; finding a plugged-in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import usb.core
import usb.util

from drivers.errors import DeviceGone


@dataclass(frozen=True, slots=True)
class Model:
    """One pair of USB ids. `turned`: the picture stands on its head; `authenticates`: its driver must."""

    vendor: int
    product: int
    name: str
    turned: bool = False
    authenticates: bool = False


MODELS = (
    Model(0x05BA, 0x0007, "DigitalPersona U.are.U 4000"),
    Model(0x05BA, 0x0008, "DigitalPersona U.are.U 4000"),
    Model(0x05BA, 0x000A, "DigitalPersona U.are.U 4000B/4500", turned=True),
    Model(0x045E, 0x00BB, "Microsoft Keyboard with Fingerprint Reader"),
    Model(0x045E, 0x00BC, "Microsoft IntelliMouse with Fingerprint Reader"),
    Model(0x045E, 0x00BD, "Microsoft Fingerprint Reader"),
    Model(0x045E, 0x00CA, "Microsoft Fingerprint Reader v2", authenticates=True),
)


def find(vendor: int | None, product: int | None, serial: str | None, backend: Any) -> tuple[Model, Any]:
    """Return the first matching model and its `usb.core.Device`; None matches any.

    Serial numbers are read from the devices only when one is asked for. Raises DeviceGone if there is none.
    """
    try:
        for model, device in _plugged_in(backend):
            if vendor in (None, model.vendor) and product in (None, model.product):
                if serial is None or _serial_number(device) == serial:
                    return model, device
                usb.util.dispose_resources(device)
    except usb.core.NoBackendError as exc:
        raise DeviceGone("finger", "open: libusb-1.0 is not installed") from exc
    except usb.core.USBError as exc:
        raise DeviceGone("finger", "open: USB devices cannot be listed") from exc
    named = f" with serial {serial}" if serial else ""
    raise DeviceGone("finger", f"open: no sensor{named} is plugged in")


def _plugged_in(backend: Any) -> Iterator[tuple[Model, Any]]:
    known = {(model.vendor, model.product): model for model in MODELS}
    for device in usb.core.find(find_all=True, backend=backend):
        model = known.get((device.idVendor, device.idProduct))
        if model is not None:
            yield model, device


def _serial_number(device: Any) -> str | None:
    """None when it has none or does not let us read it."""
    try:
        return usb.util.get_string(device, device.iSerialNumber) if device.iSerialNumber else None
    except (usb.core.USBError, ValueError, NotImplementedError):
        return None
