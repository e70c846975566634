"""`kiosk box status`: which box this is, what it may do, what it still has; beside a running kiosk too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from firmware.box.identity import Identity
from firmware.records import warrants
from firmware.records.adoption import SWAPPED
from firmware.records.fence import closed
from firmware.records.format.errors import FormatError
from firmware.records.format.swap import Adoption
from firmware.records.format.warrants import ASSIGNMENT, LEASE, Assignment, Lease
from firmware.records.handover import ADOPTED, GIVEN, Paper, papers
from firmware.records.outbox import OutboxCounts, counts_of
from firmware.records.shelf import Shelf
from firmware.records.stock import Blanks, blanks_of


@dataclass(frozen=True, slots=True)
class LeaseLeft:
    """One right to issue offline. `holder`: this box, or `token:…`."""

    holder: str
    serial: int
    left: int
    count: int
    until: datetime


@dataclass(frozen=True, slots=True)
class AdoptedBox:
    """A box whose place was taken by `by`: this one, or one that this one replaced in turn."""

    box: str
    epoch: int
    by: str
    at: str
    reported: bool


@dataclass(frozen=True, slots=True)
class BoxStatus:
    """Everything a technician asks. `resume_now`: tickets of citizens who stood at the box that failed.

    `closed`: handed over or retired in its present epoch: it enrols nobody. `given`: (epoch, moment).
    """

    box: str
    epoch: int
    closed: bool
    development: bool
    assignment: Assignment | None
    leases: tuple[LeaseLeft, ...]
    blanks: Blanks
    own: OutboxCounts
    carried: OutboxCounts
    waiting: int
    resume_now: tuple[str, ...]
    given: tuple[tuple[int, str], ...]
    adopted: tuple[AdoptedBox, ...]


def read(shelf: Shelf, identity: Identity) -> BoxStatus:
    """Raises StoreError, IdentityError, FormatError for a paper that was changed here."""
    orders = identity.certificate("orders")
    body = warrants.newest_of(shelf.db, ASSIGNMENT, identity.box)
    assignment = Assignment.read(body, orders) if body else None
    epoch = assignment.epoch if assignment else identity.epoch
    with shelf.db.reading() as connection:
        rows = connection.execute(
            "SELECT ticket, waiting_reason FROM record WHERE waiting_until NOTNULL ORDER BY started_at"
        ).fetchall()
    leases = (warrants.newest_of(shelf.db, LEASE, one) for one in warrants.holders(shelf.db, LEASE))
    return BoxStatus(
        box=identity.box,
        epoch=epoch,
        closed=closed(shelf.db, identity.box, epoch),
        development=identity.development,
        assignment=assignment,
        leases=tuple(_left(shelf, Lease.read(one, orders)) for one in leases if one),
        blanks=blanks_of(shelf.db),
        own=counts_of(shelf.db, "sealed"),
        carried=counts_of(shelf.db, "carried"),
        waiting=len(rows),
        resume_now=tuple(row["ticket"] for row in rows if row["waiting_reason"] == SWAPPED),
        given=tuple((one.epoch, one.at) for one in papers(shelf.db, GIVEN)),
        adopted=tuple(map(_adopted, papers(shelf.db, ADOPTED))),
    )


def _left(shelf: Shelf, lease: Lease) -> LeaseLeft:
    used = warrants.used_of(shelf.db, lease.holder, lease.serial)
    return LeaseLeft(lease.holder, lease.serial, lease.count - used, lease.count, lease.until)


def _adopted(paper: Paper) -> AdoptedBox:
    try:
        by = Adoption.of(json.loads(paper.body)["adoption"]).by
    except (ValueError, KeyError, TypeError, FormatError):
        by = ""
    return AdoptedBox(paper.box, paper.epoch, by, paper.at, paper.reported_at is not None)
