"""What the courier brings: this box's own records first, then those of a box whose place it took."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmware.app.desk import Desk
from firmware.uplink import swaps
from firmware.uplink.client import CentreClient
from firmware.uplink.errors import CentreRefused

if TYPE_CHECKING:
    from firmware.records.format.receipt import SignedReceipt
    from firmware.records.journal import Journal
    from firmware.records.outbox import SealedFile

log = logging.getLogger("firmware.courier")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One sealed file, and where its receipt belongs. `of`: the box that sealed it; "" this one."""

    sealed: SealedFile
    of: str = ""

    def delivered(self, journal: Journal, receipt: SignedReceipt) -> None:
        if self.of:
            journal.carried.delivered(self.sealed.record_digest, receipt)
        else:
            journal.delivered(self.sealed.record_id, receipt)

    def refused(self, journal: Journal, reason: str) -> None:
        if self.of:
            journal.carried.refused(self.sealed.record_digest, reason)
        else:
            journal.refused_by_centre(self.sealed.record_id, reason)


@dataclass
class Parcels:
    """The walk over both outboxes. `carried`: the centre knows whose place this box took."""

    desk: Desk
    carried: bool = False
    _passed: set[int] = field(default_factory=set)
    _carried: set[str] = field(default_factory=set)

    def next(self) -> Parcel | None:
        """The next one to send, each once; what was sealed meanwhile takes its place."""
        return self.desk.store.call(self._next)

    def _next(self, journal: Journal) -> Parcel | None:
        own = journal.next_sealed(self._passed)
        if own is not None:
            self._passed.add(own.sequence)
            return Parcel(own)
        other = journal.carried.next(self._carried) if self.carried else None
        if other is None:
            return None
        self._carried.add(other.sealed.record_digest)
        return Parcel(other.sealed, other.box)


def report_adoptions(desk: Desk, client: CentreClient) -> str:
    """Tell the centre of every adoption that it has not heard of; why it would not hear of one, or "".

    Raises CentreUnreachable, CentreWrong, and what the store raises.
    """
    for paper in desk.store.call(lambda journal: journal.handovers.unreported()):
        try:
            outcome = swaps.report(client, paper.body, paper.evidence)
        except CentreRefused as exc:
            log.warning("the centre did not take an adoption: %s", exc.reason)
            return exc.reason
        log.info("the centre knows the adoption: %s", outcome)
        desk.store.call(lambda journal, told=paper: journal.handovers.reported(told))  # type: ignore[misc]
    return ""
