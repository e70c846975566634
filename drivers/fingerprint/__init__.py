"""Finger sensors: the U.are.U 4000/4000B/4500 family over pyusb."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drivers.fingerprint.uru4000 import Uru4000


def open_sensor(
    *,
    vendor: int | None = None,
    product: int | None = None,
    serial: str | None = None,
    backend: Any = None,
    host_seed: Callable[[], int] | None = None,
    ppi: int = 500,
) -> Uru4000:
    """Return the sensor with these USB ids and this serial (each None: any the driver knows), not yet opened.

    Use it as `with open_sensor(...) as sensor`: entering finds and starts the device. `backend` is a
    `usb.backend.IBackend`; None is libusb. `host_seed` gives the 32 random bits for each scramble key.
    `ppi` is its true resolution, where it was measured.
    """
    from drivers.fingerprint.uru4000 import Uru4000

    return Uru4000(
        vendor=vendor, product=product, serial=serial, backend=backend, host_seed=host_seed, ppi=ppi
    )
