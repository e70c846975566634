"""What the centre signed for this box, as it came, and how far its leases are used up.

Nothing is judged here: `firmware.box` says what may be kept and what may be counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database, Readable


@dataclass(frozen=True, slots=True)
class Use:
    """The `n`th card of the lease `serial` of `holder`."""

    holder: str
    serial: int
    n: int


class Warrants:
    """Signed papers by kind, holder and serial, and the cards counted against each lease."""

    def __init__(self, db: Database, audit: Audit, clock: JournalClock) -> None:
        self._db = db
        self._audit = audit
        self._clock = clock

    # --- papers -------------------------------------------------------------------------------------

    def newest(self, kind: str, holder: str) -> bytes | None:
        """The signed bytes of the highest serial, as they came."""
        return newest_of(self._db, kind, holder)

    def keep(self, kind: str, holder: str, serial: int, body: bytes, actor: str) -> None:
        """Keep a paper that was judged; the audit has its kind and serial. Again for the same: nothing."""
        with self._db.transaction() as connection:
            kept = connection.execute(
                "INSERT INTO warrant VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (kind, holder, serial, body, self._clock.stamp()),
            )
            if kept.rowcount:
                self._audit.append(actor, f"{kind}_taken", None, {"holder": holder, "serial": serial})

    def refused(self, reason: str, actor: str) -> None:
        """Write down that a paper was turned away."""
        self._audit.append(actor, "paper_refused", None, {"reason": reason})

    def rebuilt_at(self) -> str | None:
        """When the journal was last rebuilt, and with it the count of every lease lost; None: never."""
        with self._db.reading() as connection:
            found = connection.execute("SELECT max(at) FROM audit WHERE act = 'rebuilt'").fetchone()
        at: str | None = found[0]
        return at

    # --- the count of a lease ------------------------------------------------------------------------

    def used(self, holder: str, serial: int) -> int:
        """The highest number counted here."""
        return used_of(self._db, holder, serial)

    def use_of(self, record_id: str, attempt: int) -> Use | None:
        """What this attempt was counted as."""
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT holder, lease, n FROM lease_use WHERE record_id = ? AND attempt = ?",
                (record_id, attempt),
            ).fetchone()
        return Use(row["holder"], row["lease"], row["n"]) if row else None

    def count(self, use: Use, record_id: str, attempt: int) -> None:
        """Count this attempt as `use`, in place of what it was counted as under another lease.

        Raises ValueError when the number is taken or not above all others.
        """
        with self._db.transaction() as connection:
            if (before := self.use_of(record_id, attempt)) == use:
                return
            if use.n <= self.used(use.holder, use.serial):
                raise ValueError(f"number {use.n} of lease {use.serial} is counted already")
            if before is not None:
                connection.execute(
                    "DELETE FROM lease_use WHERE record_id = ? AND attempt = ?", (record_id, attempt)
                )
            connection.execute(
                "INSERT INTO lease_use VALUES (?, ?, ?, ?, ?, ?)",
                (use.holder, use.serial, use.n, record_id, attempt, self._clock.stamp()),
            )
            about = {"attempt": attempt, "lease": use.serial, "n": use.n}
            self._audit.append("kiosk", "lease_counted", record_id, about)


def newest_of(db: Readable, kind: str, holder: str) -> bytes | None:
    """See `Warrants.newest`; also beside a running kiosk."""
    with db.reading() as connection:
        row = connection.execute(
            "SELECT body FROM warrant WHERE kind = ? AND holder = ? ORDER BY serial DESC LIMIT 1",
            (kind, holder),
        ).fetchone()
    return bytes(row["body"]) if row else None


def used_of(db: Readable, holder: str, serial: int) -> int:
    """See `Warrants.used`; also beside a running kiosk."""
    with db.reading() as connection:
        row = connection.execute(
            "SELECT max(n) FROM lease_use WHERE holder = ? AND lease = ?", (holder, serial)
        ).fetchone()
    return int(row[0] or 0)


def holders(db: Readable, kind: str) -> list[str]:
    """Whose papers of this kind are kept."""
    with db.reading() as connection:
        rows = connection.execute(
            "SELECT DISTINCT holder FROM warrant WHERE kind = ? ORDER BY holder", (kind,)
        )
        return [row["holder"] for row in rows]
