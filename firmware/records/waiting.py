"""Records put aside: nobody goes home empty-handed, and a ticket brings the record back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from firmware.records import tickets
from firmware.records.audit import Audit
from firmware.records.clock import JournalClock, stamp
from firmware.records.database import Database
from firmware.records.drafts import Drafts
from firmware.records.errors import HandedOver, StoreDamaged, TicketRefused, WrongState
from firmware.records.fence import HANDED_OVER
from firmware.records.states import RecordState
from firmware.records.vault import Vault

S = RecordState
EXPIRES = (S.DRAFT, S.FROZEN)
"""Where a ticket that has run out ends the record. Once a card may be live, it only goes forward."""


class Waiting:
    """Waiting is a flag on DRAFT, FROZEN or ISSUING, with a ticket; on ISSUING it never runs out."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        audit: Audit,
        clock: JournalClock,
        drafts: Drafts,
        new_ticket: Callable[[], str] = tickets.new,
    ) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._drafts = drafts
        self._new_ticket = new_ticket

    def wait(self, record_id: str, reason: str, until: datetime) -> str:
        """Put the record aside until its citizen comes back; return the ticket (`1234 5678`).

        A damaged one too, for whoever looks into it. Allowed for DRAFT, FROZEN and ISSUING: the last is
        only put aside, and `until` does not end it. A record that waits again keeps its ticket.
        """
        self._drafts.require(record_id, *EXPIRES, S.ISSUING)
        ticket = self._drafts.row(record_id)["ticket"] or self.free_ticket()
        about = {"kind": "ticket", "ticket": ticket, "reason": reason, "until": stamp(until)}
        with contextlib.suppress(StoreDamaged):  # without its key nothing of the draft can be read
            self._vault.put(record_id, about)
        self._vault.mark(record_id, ticket)
        with self._db.transaction() as connection:
            self._drafts.require(record_id, *EXPIRES, S.ISSUING)
            connection.execute(
                "UPDATE record SET ticket = ?, waiting_reason = ?, waiting_until = ?,"
                " is_open = 0 WHERE id = ?",
                (ticket, reason, stamp(until), record_id),
            )
            self._audit.append("kiosk", "wait", record_id, {"reason": reason, "until": stamp(until)})
        return ticket

    def resume(self, ticket: str) -> str:
        """Reopen the record of a ticket as a person typed it; return its id. Its step is where it was.

        Raises TicketRefused, HandedOver, StoreDamaged, and WrongState while another record is open.
        """
        code = tickets.normal(ticket)
        with self._db.transaction() as connection:
            row = connection.execute(
                "SELECT id, state, waiting_until, ended_reason FROM record"
                " WHERE ticket = ? AND (waiting_until IS NOT NULL OR ended_reason = ?)",
                (code, HANDED_OVER),
            ).fetchone()
            if row is None:
                raise TicketRefused("ticket_unknown")
            if row["ended_reason"] == HANDED_OVER:
                raise HandedOver(f"record {row['id']} was handed over")
            if row["state"] in EXPIRES and row["waiting_until"] <= self._clock.stamp():
                raise TicketRefused("ticket_expired")
            if (other := self._drafts.open_record()) is not None:
                raise WrongState(other, "open", "another one at the same time")
            connection.execute(
                "UPDATE record SET waiting_reason = NULL, waiting_until = NULL, is_open = 1 WHERE id = ?",
                (row["id"],),
            )
            self._audit.append("kiosk", "resume", row["id"])
            self._vault.put(row["id"], {"kind": "resume"})
        record_id: str = row["id"]
        return record_id

    def waiting(self) -> list[tuple[str, str]]:
        """What a ticket would reopen now: (id, ticket), what a card may be live of first, then the newest."""
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT id, ticket FROM record WHERE ended_reason IS NULL AND waiting_until IS NOT NULL"
                " AND (state NOT IN (?, ?) OR waiting_until > ?)"
                " ORDER BY state = ? DESC, started_at DESC, id",
                (*EXPIRES, self._clock.stamp(), S.ISSUING),
            ).fetchall()
        return [(row["id"], row["ticket"]) for row in rows]

    def expire(self) -> list[str]:
        """Abandon every waiting DRAFT and FROZEN record whose ticket has run out; return their ids."""
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM record WHERE state IN (?, ?) AND waiting_until <= ?",
                (*EXPIRES, self._clock.stamp()),
            ).fetchall()
        for row in rows:
            self._drafts.end(row["id"], S.ABANDONED, "ticket_expired", "kiosk")
        return [row["id"] for row in rows]

    def free_ticket(self) -> str:
        """A ticket that no record of this box has."""
        with self._db.reading() as connection:
            taken = {row[0] for row in connection.execute("SELECT ticket FROM record WHERE ticket NOTNULL")}
        while (ticket := self._new_ticket()) in taken:
            pass
        return ticket
