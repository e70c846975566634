"""What the centre says no with."""

from __future__ import annotations


class CentreError(Exception):
    """Whatever the centre raises on purpose."""


class CentreSetupError(CentreError):
    """A folder, key or file of the centre is not as it must be; the text says what to do."""


class Refused(CentreError):
    """A request is refused: `status` is HTTP's, `reason` a stable key that the box can act on."""

    def __init__(self, status: int, reason: str, detail: str = "") -> None:
        super().__init__(f"{status} {reason} {detail}".strip())
        self.status = status
        self.reason = reason
        self.detail = detail
