"""The error tree of every driver (DESIGN section 3).

`UserRetry` is for the person, `DeviceFault` for the supervisor; anything else that leaves a driver is a
bug and ends the process. Library exceptions are translated once, at the link, with `raise … from exc`.
"""

from __future__ import annotations


class DriverError(Exception):
    """Whatever a driver may raise."""


class UserRetry(DriverError):
    """The person can mend it: `reason` is the key of a text that a screen shows."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeviceFault(DriverError):
    """The device failed while `doing` something; its supervisor closes and reopens it."""

    def __init__(self, device: str, doing: str) -> None:
        super().__init__(f"{device}: {doing}")
        self.device = device
        self.doing = doing


class DeviceGone(DeviceFault):
    """It is not there: never was, unplugged, or its service ended."""


class DeviceTimeout(DeviceFault):
    """It did not answer before the deadline."""


class ProtocolError(DeviceFault):
    """It answered something that its protocol does not allow."""


class DeviceRefused(DeviceFault):
    """It answered correctly that it will not do this."""
