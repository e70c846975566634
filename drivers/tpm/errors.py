"""What a TPM refuses, apart from being gone (`drivers.errors.DeviceGone`)."""

from __future__ import annotations

from enum import StrEnum

from drivers.errors import DeviceRefused

TPM = "tpm"


class Why(StrEnum):
    """What has to be done by whom, as a key."""

    AUTH_WRONG = "auth_wrong"
    LOCKED_OUT = "locked_out"  # too many wrong ones: it takes none for a while
    FOREIGN = "of_another_tpm"  # the object was made by another TPM, or is damaged
    OWNED = "owned_by_somebody"  # its lockout hierarchy has another secret: clear the TPM
    REFUSED = "refused"


class TpmRefused(DeviceRefused):
    """The TPM works and will not do this; `why` is for the technician."""

    def __init__(self, doing: str, why: Why) -> None:
        super().__init__(TPM, f"{doing}: {why}")
        self.why = why
