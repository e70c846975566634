"""The virtual panel: the GPIO driver itself, on gpiozero's mock pins, with verbs of the world."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from drivers.api import DeviceInfo
from drivers.errors import DeviceGone
from drivers.panel.gpio import BUZZER, DOOR, LAMP_LEFT, LAMP_RIGHT, TAMPER, TRAY, TRAY_LOCK, GpioPanel

PINS: Mapping[str, int] = {
    LAMP_LEFT: 12,
    LAMP_RIGHT: 13,
    TRAY_LOCK: 16,
    BUZZER: 20,
    TRAY: 5,
    DOOR: 6,
    TAMPER: 26,
}


class VirtualPanel(GpioPanel):
    """A panel whose contacts are moved by hand: the tray starts open, the door closed, the loop whole."""

    def __init__(self, pins: Mapping[str, int] = PINS, lamp_pwm: Path | None = None) -> None:
        super().__init__(pins, lamp_pwm=lamp_pwm)
        self._mock: Any = None
        self._contacts = {TRAY: False, DOOR: True, TAMPER: True}
        self._unplugged = threading.Event()

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("panel", "virtual panel", virtual=True)

    def __enter__(self) -> Self:
        if self._unplugged.is_set():
            raise DeviceGone("panel", "open")
        super().__enter__()
        for name in self._contacts:
            self._drive(name)
        return self

    # --- verbs of the world ---

    def close_tray(self) -> None:
        self._move(TRAY, closed=True)

    def open_tray(self) -> None:
        """Pull the tray; while it is locked it does not move."""
        if not self.tray_locked:
            self._move(TRAY, closed=False)

    def open_door(self) -> None:
        self._move(DOOR, closed=False)

    def close_door(self) -> None:
        self._move(DOOR, closed=True)

    def tamper(self) -> None:
        """Cut the tamper loop; nothing mends it."""
        self._move(TAMPER, closed=False)

    def unplug(self) -> None:
        """Take the board away: whatever is asked next fails, and all that it drove is dead."""
        self._unplugged.set()

    def plug(self) -> None:
        self._unplugged.clear()

    def light(self) -> tuple[float, float]:
        """How brightly the lamps shine, left and right, 0..1: what the virtual camera's scene is lit by."""
        return self._level(LAMP_LEFT), self._level(LAMP_RIGHT)

    @property
    def tray_locked(self) -> bool:
        return self._level(TRAY_LOCK) > 0

    @property
    def buzzing(self) -> bool:
        return self._level(BUZZER) > 0

    # --- below the driver ---

    def _factory(self) -> Any:
        from gpiozero.pins.mock import MockFactory, MockPWMPin

        self._mock = MockFactory(pin_class=MockPWMPin)
        return self._mock

    def _part(self, name: str) -> Any:
        if self._unplugged.is_set():
            raise DeviceGone("panel", name)
        return super()._part(name)

    def _move(self, name: str, closed: bool) -> None:
        self._contacts[name] = closed
        self._drive(name)

    def _drive(self, name: str) -> None:
        """Set the pin's level from the contact: closed is low. Nothing moves on a closed device."""
        if self._parts and not self._unplugged.is_set():
            pin = self._mock.pin(self._pins[name])
            (pin.drive_low if self._contacts[name] else pin.drive_high)()

    def _level(self, name: str) -> float:
        if not self._parts or self._unplugged.is_set():
            return 0.0
        return float(self._mock.pin(self._pins[name]).state)
