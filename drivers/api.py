"""What a device is to the rest of the house: Protocols and frozen values, the only names other folders use.

Every driver is a context manager: entering opens the device, leaving puts it into its safe state (sensor
asleep, card reset, lamps off). Every call ends before its `timeout_s`, and raises only what `drivers.errors`
defines. A driver belongs to one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Clock = Callable[[], float]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment that a chain of calls shares, so that each passes on only what is left."""

    at_s: float
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> Deadline:
        return cls(clock() + seconds, clock)

    @property
    def left_s(self) -> float:
        return max(0.0, self.at_s - self.clock())

    @property
    def over(self) -> bool:
        return self.left_s == 0.0


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Who answered: `kind` is the class (finger, chip, camera, panel), `virtual` is never guessed."""

    kind: str
    model: str
    serial: str | None = None
    virtual: bool = False


class Device(Protocol):
    @property
    def info(self) -> DeviceInfo: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


# --- finger sensor ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class FingerImage:
    """One impression: `pixels` (height, width) uint8, ridges dark on a light ground, `ppi` as labelled."""

    pixels: Pixels
    ppi: int = 500


class FingerSensor(Device, Protocol):
    def await_finger(self, on: bool, timeout_s: float) -> bool:
        """True once a finger lies (`on`) or none does (not `on`); False if that did not happen in time."""

    def frame(self, timeout_s: float) -> FingerImage:
        """Return the next frame (the finger may have left: then it is blank)."""

    def rest(self, timeout_s: float) -> None:
        """Sleep while nobody is asked for a finger: dark and cool. Any other call wakes it."""


# --- chip ------------------------------------------------------------------------------------------


class ChipLink(Protocol):
    """One card's session: moves APDUs and knows no command."""

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        """Send a command APDU and return data ‖ SW1 SW2 (ISO/IEC 7816-3, 12.1).

        Raises UserRetry("hold_card_still") when the card has left the field, DeviceTimeout when it is mute.
        """


class ChipReader(Device, ChipLink, Protocol):
    def await_card(self, present: bool, timeout_s: float) -> bool:
        """True once a card lies there (or none does); False if that did not happen in time."""

    def connect(self, timeout_s: float = 5.0) -> bytes:
        """Power the card and return its ATR; raises UserRetry("place_card") when there is none."""

    def disconnect(self) -> None:
        """Reset and let go of the card; allowed when there is none."""


# --- camera ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CameraControls:
    """What is asked of the camera; None leaves it automatic. Gain is analogue, 1.0 = base ISO."""

    exposure_us: int | None = None
    gain: float | None = None
    white_balance_locked: bool = False


@dataclass(frozen=True, slots=True)
class FrameMetadata:
    """What the camera says it did for this frame; each may be missing on a real one."""

    exposure_us: int | None = None
    gain: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """`bgr` (height, width, 3) uint8; `at_s` on the clock of the driver."""

    bgr: Pixels
    at_s: float
    metadata: FrameMetadata = FrameMetadata()


class Camera(Device, Protocol):
    def controls(self) -> frozenset[str]:
        """Names of the `CameraControls` fields this camera obeys."""

    def set_controls(self, wanted: CameraControls) -> None:
        """Ask for exposure and gain; the metadata of later frames tell when it happened."""

    def preview(self, timeout_s: float) -> Frame:
        """The newest small frame (640 × 480)."""

    def still(self, timeout_s: float) -> Frame:
        """A frame at capture size, taken after this call."""


# --- panel -----------------------------------------------------------------------------------------


class PanelInput(StrEnum):
    TRAY_CLOSED = "tray_closed"
    TRAY_OPENED = "tray_opened"
    DOOR_OPENED = "door_opened"
    DOOR_CLOSED = "door_closed"
    TAMPERED = "tampered"


class Panel(Device, Protocol):
    def lamps(self, left: float, right: float) -> None:
        """Brightness 0..1 of each lamp (the board may round it to its steps)."""

    def tray(self, locked: bool) -> None:
        """Hold the card in the tray while it is written."""

    def buzz(self, seconds: float) -> None:
        """Start a tone that ends by itself."""

    def safe(self) -> None:
        """Lamps off, tray free, buzzer silent: the state at start, fault and exit."""

    def listen(self, heard: Callable[[PanelInput], None]) -> None:
        """Have `heard` called (from any thread; it may only post) for each change of an input."""
