"""What can go wrong between box and centre."""

from __future__ import annotations


class UplinkError(Exception):
    """Whatever the uplink raises. `in_doubt`: the centre may have done what was asked."""

    in_doubt = True


class CentreUnreachable(UplinkError):
    """No answer now (no network, too slow, busy, restarting): the same call may succeed later."""


class CentreRefused(UplinkError):
    """The centre said no; asking the same again will not help. `reason` is its key."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the centre refused: {status} {reason}")
        self.status = status
        self.reason = reason


class RecordRefused(CentreRefused):
    """The centre refused this record for its seal, signature or schema: it stays on the box, an incident."""


class PersonUnknown(CentreRefused):
    """The registry has nobody of this number."""

    def __init__(self) -> None:
        super().__init__(404, "person_unknown")


class CentreWrong(UplinkError):
    """What answers is not our centre, or answers what it never may: an incident, not a retry."""


class NotOurCentre(CentreWrong):
    """TLS said no: a captive portal, a stranger, a wrong clock. Nothing was sent: as good as no line."""


class ReceiptWrong(CentreWrong):
    """What came as a receipt is none for this record and this file; the line itself works."""


class ExtractRefused(CentreWrong):
    """The registry extract on the box is damaged, not signed by the centre, or too old."""


class SealedFileDamaged(UplinkError):
    """The sealed file on the box is not the one that was sealed: it is not sent."""


class Stopped(UplinkError):
    """The program is ending: what was sent so far counts, the rest goes next time."""
