"""Devices and the disk."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.events.base import Event
from statemachine.states import Device


@dataclass(frozen=True, slots=True)
class DeviceLost(Event):
    """`reason` says more than which device, as a key of the error catalogue, where there is more to say."""

    device: Device
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeviceBack(Event):
    device: Device


@dataclass(frozen=True, slots=True)
class StoreFailed(Event):
    """The disk did not take what was to be kept; nothing was shown as accepted."""

    reason: str
