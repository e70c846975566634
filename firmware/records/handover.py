"""What this box signed about epochs, its own and others': handed over, adopted, retired.

The row is the act: from the commit of a `given` row on, this box begins and issues nothing in that epoch, and
the drafts that it names are another box's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database, Readable
from firmware.records.drafts import Drafts
from firmware.records.ended import to_give_up
from firmware.records.fence import HANDED_OVER, closed
from firmware.records.format import swap
from firmware.records.format.swap import Adoption, Handover, Held, Retirement
from firmware.records.keys import BoxKeys
from firmware.records.outbox import Outbox
from firmware.records.states import HAS_DRAFT, RecordState
from firmware.records.stock import Stock
from firmware.records.vault import Vault

S = RecordState
GIVEN, ADOPTED, RETIRED = "given", "adopted", "retired"
_FORMS: Mapping[str, type[Handover | Adoption | Retirement]] = {
    GIVEN: Handover,
    ADOPTED: Adoption,
    RETIRED: Retirement,
}
_OURS = (
    f"SELECT * FROM record WHERE state IN ({', '.join('?' * len(HAS_DRAFT))})"  # noqa: S608 - our own
    " AND ended_reason IS NOT ? ORDER BY started_at, id"
)


@dataclass(frozen=True, slots=True)
class Paper:
    """One row. `box` and `epoch` are whose epoch it closes; `evidence` and `place` as they came."""

    n: int
    kind: str
    box: str
    epoch: int
    body: bytes
    evidence: bytes | None
    place: bytes | None
    at: str
    reported_at: str | None


@dataclass(frozen=True, slots=True)
class Giving:
    """What the box knows beside its journal when it hands over. `assignment`: its signed bytes, or b""."""

    epoch: int
    officer: str
    to: str = ""
    assignment: bytes = b""
    lease_serial: int = 0
    lease_used: int = 0


class Handovers:
    """The table of papers, and the acts that make one. Every call is durable when it returns."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        audit: Audit,
        clock: JournalClock,
        drafts: Drafts,
        outbox: Outbox,
        stock: Stock,
        keys: BoxKeys,
        kept: Callable[[], None],
    ) -> None:
        """`kept` is called after each commit of a paper: it puts the papers beside the database."""
        self.kept = kept
        self._db, self._vault, self._audit, self._clock = db, vault, audit, clock
        self._drafts, self._outbox, self._stock, self._keys = drafts, outbox, stock, keys

    def closed(self, epoch: int) -> bool:
        """Whether this box gave this epoch, or a later one, away or was retired."""
        return closed(self._db, self._keys.box, epoch)

    def papers(self, kind: str = "") -> list[Paper]:
        """All rows of a kind, or all, oldest first."""
        return papers(self._db, kind)

    def paper(self, kind: str, box: str, epoch: int) -> Paper | None:
        found = [one for one in self.papers(kind) if (one.box, one.epoch) == (box, epoch)]
        return found[0] if found else None

    def unreported(self) -> list[Paper]:
        """The adoptions that the centre has not heard of, oldest first."""
        return [one for one in self.papers(ADOPTED) if one.reported_at is None]

    def reported(self, paper: Paper) -> None:
        """The centre knows this adoption."""
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE handover SET reported_at = ? WHERE n = ?", (self._clock.stamp(), paper.n)
            )
            about = {"box": paper.box, "epoch": paper.epoch}
            self._audit.append("centre", "adoption_reported", None, about)

    def receipt(self, record_digest: str) -> bytes | None:
        """The centre's receipt of a record of this box, if it came."""
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT receipt FROM sealed WHERE record_digest = ? AND acked_at NOTNULL", (record_digest,)
            ).fetchone()
        return bytes(row["receipt"]) if row and row["receipt"] else None

    def give(self, giving: Giving) -> bytes:
        """Close this box's epoch and return the signed handover; the same bytes each time after the first.

        The open record and all waiting ones stop being this box's with the commit; the blanks that are left
        are booked out. Raises StoreError.
        """
        if (paper := self.paper(GIVEN, self._keys.box, giving.epoch)) is not None:
            return paper.body
        drafts = self._ours()
        for row in drafts:
            self._tell(row)
        with self._db.transaction() as connection:
            made = self._handover(giving, [row["id"] for row in drafts])
            body = made.signed(self._keys.signer).to_json()
            self._keep(connection, GIVEN, made.box, made.epoch, body, None, giving.assignment or None)
            connection.executemany(
                "UPDATE record SET is_open = 0, waiting_reason = NULL, waiting_until = NULL,"
                " ended_reason = ? WHERE id = ?",
                [(HANDED_OVER, record_id) for record_id in made.drafts],
            )
            if made.blanks.left > 0:
                self._stock.give(made.blanks.left, [giving.officer])
            about = {"epoch": made.epoch, "closed_at": made.closed_at, "sealed": len(made.sealed)}
            self._audit.append(giving.officer, HANDED_OVER, None, {**about, "drafts": len(made.drafts)})
            self._audit.checkpoint()
        self.kept()
        return body

    def retire(self, epoch: int, officer: str, erased: tuple[str, ...]) -> bytes:
        """Close the epoch for ever and return the signed retirement; the same bytes each time."""
        if (paper := self.paper(RETIRED, self._keys.box, epoch)) is not None:
            return paper.body
        with self._db.transaction() as connection:
            closed_at, _ = self._outbox.tip() or (0, swap.NO_RECORD)
            head = self._audit.append(officer, "retired", None, {"epoch": epoch, "closed_at": closed_at})
            made = Retirement(self._keys.box, epoch, closed_at, erased, head, officer, self._clock.now())
            body = made.signed(self._keys.signer).to_json()
            self._keep(connection, RETIRED, made.box, epoch, body)
            self._audit.checkpoint()
        self.kept()
        return body

    def adopt(self, made: Adoption, evidence: bytes | None, place: bytes | None) -> bytes:
        """Sign and keep an adoption, in the caller's transaction, in place of one that knew less."""
        body = made.signed(self._keys.signer).to_json()
        with self._db.transaction() as connection:
            if place is None and (before := self.paper(ADOPTED, made.box, made.epoch)) is not None:
                place = before.place
            connection.execute(
                "DELETE FROM handover WHERE kind = ? AND box = ? AND epoch = ?",
                (ADOPTED, made.box, made.epoch),
            )
            self._keep(connection, ADOPTED, made.box, made.epoch, body, evidence, place)
        return body

    def keep_foreign(self, paper: Paper) -> None:
        """An adoption that the adopted box had signed and not reported yet travels on with this one."""
        with self._db.transaction() as connection:
            if self.paper(ADOPTED, paper.box, paper.epoch) is None:
                self._keep(
                    connection, ADOPTED, paper.box, paper.epoch, paper.body, paper.evidence, paper.place
                )

    def _keep(
        self,
        connection: sqlite3.Connection,
        kind: str,
        box: str,
        epoch: int,
        body: bytes,
        evidence: bytes | None = None,
        place: bytes | None = None,
    ) -> None:
        """Raises StatementRefused for what no reader would take."""
        _FORMS[kind].unverified(body)
        connection.execute(
            "INSERT INTO handover (kind, box, epoch, body, evidence, place, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind, box, epoch, body, evidence, place, self._clock.stamp()),
        )

    def drafts_left(self) -> int:
        """How many records are not sealed, and still this box's."""
        return len(self._ours())

    def _ours(self) -> list[sqlite3.Row]:
        with self._db.reading() as connection:
            return connection.execute(_OURS, (*HAS_DRAFT, HANDED_OVER)).fetchall()

    def _tell(self, row: sqlite3.Row) -> None:
        """Put beside a draft's files what only the journal knows: its step, its times, and which files."""
        steps = self._drafts.steps(row["id"])
        files = self._vault.names(row["id"])
        self._vault.put(row["id"], {"kind": "given", "files": files, "step": row["step"], "steps": steps})

    def _handover(self, giving: Giving, drafts: list[str]) -> Handover:
        closed_at, head = self._outbox.tip() or (0, swap.NO_RECORD)
        blanks = self._stock.blanks()
        return Handover(
            box=self._keys.box,
            epoch=giving.epoch,
            closed_at=closed_at,
            head=head,
            to=giving.to,
            assignment=sha256(giving.assignment).hexdigest() if giving.assignment else "",
            blanks=swap.Blanks(blanks.here, blanks.live, blanks.void, blanks.left),
            void_cards=tuple(self._void_cards()),
            given_up=tuple(to_give_up(self._db)),
            sealed=tuple(self._unsent()),
            drafts=tuple(drafts),
            lease_serial=giving.lease_serial,
            lease_used=giving.lease_used,
            audit_head=self._audit.head(),
            at=self._clock.now(),
        )

    def _unsent(self) -> list[Held]:
        with self._db.reading() as connection:
            rows = connection.execute("SELECT * FROM sealed WHERE acked_at IS NULL ORDER BY sequence")
            return [Held(r["sequence"], r["record_digest"], r["sealed_digest"], r["bytes"]) for r in rows]

    def _void_cards(self) -> list[str]:
        """Of the records that the centre has not acknowledged."""
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT sod_sha256 FROM attempt JOIN record ON record.id = record_id"
                " LEFT JOIN sealed USING (record_id) WHERE lost_at NOTNULL AND issuing_at NOTNULL"
                " AND acked_at IS NULL ORDER BY sod_sha256"
            )
            return [row[0] for row in rows]


def papers(db: Readable, kind: str = "") -> list[Paper]:
    """The rows of a box's papers, also beside a running kiosk."""
    with db.reading() as connection:
        rows = connection.execute("SELECT * FROM handover ORDER BY n").fetchall()
    return [Paper(**dict(row)) for row in rows if kind in ("", row["kind"])]
