"""Fingers, sensors and hands for tests of the finger sensor."""

from __future__ import annotations

from functools import cache

import numpy as np

from drivers.api import Pixels
from drivers.fingerprint.uru4000 import Uru4000
from drivers.virtual.skin import Finger, impression
from drivers.virtual.usb_sensor import VirtualSensor
from support.finger_contract import Bench

POLL_S = 0.005


@cache
def a_print() -> Pixels:
    pixels = impression(Finger(1, "right_index"), 1)
    pixels.flags.writeable = False
    return pixels


def driver(backend: object, **options: object) -> Uru4000:
    """The driver, quick to leave."""
    return Uru4000(backend=backend, poll_s=POLL_S, **options)  # type: ignore[arg-type]


class VirtualHands:
    def __init__(self, glass: VirtualSensor) -> None:
        self._glass = glass

    def place(self) -> None:
        self._glass.place(a_print())

    def lift(self) -> None:
        self._glass.lift()


def virtual_bench() -> Bench:
    glass = VirtualSensor()
    return Bench(driver(glass), VirtualHands(glass), finger_s=2.0)


def differing(a: Pixels, b: Pixels) -> int:
    """How many pixels are not the same."""
    return int(np.count_nonzero(a != b))
