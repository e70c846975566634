"""What a token refuses, apart from being gone (`drivers.errors.DeviceGone`)."""

from __future__ import annotations

from enum import StrEnum

from drivers.errors import DeviceRefused

TOKEN = "token"  # noqa: S105  the device's name


class Why(StrEnum):
    """What has to be done by whom, as a key."""

    NO_PIN = "no_pin"  # its file cannot be read
    PIN_WRONG = "pin_wrong"
    PIN_LOCKED = "pin_locked"
    NO_KEY = "no_key"
    KEY_CAN_LEAVE = "key_can_leave"  # it is extractable: whoever has the PIN can copy it
    WRONG_KEY = "wrong_key"  # of another kind, or the mechanism is not the key's
    REFUSED = "refused"


class TokenRefused(DeviceRefused):
    """The token works and will not do this; `why` is for the technician."""

    def __init__(self, doing: str, why: Why) -> None:
        super().__init__(TOKEN, f"{doing}: {why}")
        self.why = why
