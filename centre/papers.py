"""What the centre signs for a box: where it stands and what it may issue without asking (DESIGN section 7).

Serials grow over all papers, so that they grow for each box and no two leases share one. Every paper is kept
as it was signed, and is a row of the ledger.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, Row, bindparam, func, insert, select

from centre import boxes, db, epochs
from centre.cases import stamp
from centre.chain import Act, Turn
from centre.errors import CentreSetupError
from firmware.records.format.statement import Statement
from firmware.records.format.warrants import (
    ASSIGNMENT,
    LEASE,
    SPARE,
    TOKEN,
    TRAINING,
    UNIT,
    Assignment,
    Lease,
    Replaces,
)

NO_EPOCH: Final = 0
"""Of a lease that travels with a token."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box works, and as what."""

    pool: str
    home_unit: str = ""
    capture_unit: str = ""
    team: str = ""
    station: str = ""
    role: str = UNIT
    profile: str = TRAINING

    def is_elsewhere(self, former: Assignment) -> bool:
        """Whether going there from `former` begins a new epoch; another team or table does not."""
        now = (self.pool, self.home_unit, self.capture_unit, self.profile)
        return now != (former.pool, former.home_unit, former.capture_unit, former.profile)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a lease allows: `count` cards of these cases until then, signed by that document signer."""

    count: int
    cases: tuple[str, ...]
    until: datetime
    signer_sha256: str


def assign(
    turn: Turn, key: ec.EllipticCurvePrivateKey, box: str, place: Place, at: datetime, new_epoch: bool = False
) -> bytes:
    """The signed assignment. Raises CentreSetupError for a box that is neither enrolled nor expected."""
    boxes.need_expected(turn.connection, box, at)
    former = assignment(turn.connection, box)
    moved = former is not None and place.is_elsewhere(former)
    return _assign(turn, key, box, place, at, new_epoch or moved)


def order_swap(turn: Turn, key: ec.EllipticCurvePrivateKey, spare: str, box: str, at: datetime) -> bytes:
    """The order to `spare` to take the place of `box`, of which nothing can be read.

    It closes the epoch of `box` at a number that nobody knows. Raises CentreSetupError when `box` was never
    assigned, was adopted already, or when `spare` is of another pool.
    """
    connection = turn.connection
    boxes.need_enrolled(connection, spare)
    former, own = assignment(connection, box), assignment(connection, spare)
    epoch = epochs.newest(connection, box)
    if former is None or epoch is None:
        raise CentreSetupError(f"{box} has no assignment: nobody knows what place that is")
    if own is None or own.pool != former.pool or spare == box:
        raise CentreSetupError(f"{spare} is no other box of the pool {former.pool!r}: assign it there first")
    if epoch.closed == epochs.KNOWN:
        raise CentreSetupError(f"{box} was replaced already: see `kiosk-centre swaps`")
    epochs.close(connection, box, epoch.epoch, None)
    names = ("pool", "home_unit", "capture_unit", "team", "station", "profile")
    place = Place(**{name: getattr(former, name) for name in names})
    replaces = Replaces(box, epoch.epoch)
    return _assign(turn, key, spare, place, at, own.role != SPARE and place.is_elsewhere(own), replaces)


def lease(
    turn: Turn,
    key: ec.EllipticCurvePrivateKey,
    holder: str,
    terms: Terms,
    at: datetime,
    pool: str | None = None,
) -> bytes:
    """The signed lease for a box, under its epoch, or for a token, in `pool`.

    Raises CentreSetupError for a box that was never assigned or whose epoch is closed.
    """
    epoch = NO_EPOCH
    if not holder.startswith(TOKEN):
        boxes.need_expected(turn.connection, holder, at)
        own, row = assignment(turn.connection, holder), epochs.newest(turn.connection, holder)
        if own is None or row is None or row.closed:
            raise CentreSetupError(f"{holder} has no assignment under an open epoch: assign it first")
        pool, epoch = own.pool, row.epoch
    if pool is None:
        raise CentreSetupError("a lease for a token names its pool")
    serial = _next_serial(turn.connection)
    made = Lease(serial, holder, pool, epoch, terms.count, terms.cases, terms.until, terms.signer_sha256, at)
    return _keep(turn, LEASE, made, holder, made.signed(key))


def newest(connection: Connection, kind: str, holder: str) -> bytes | None:
    """The holder's paper with the highest serial, as it was signed."""
    row = connection.execute(_NEWEST, {"kind": kind, "holder": holder}).first()
    return bytes(row.body) if row else None


def assignment(connection: Connection, box: str) -> Assignment | None:
    body = newest(connection, ASSIGNMENT, box)
    return Assignment.of(json.loads(body)[ASSIGNMENT]) if body else None


def lease_of(connection: Connection, serial: int) -> Lease | None:
    """The lease of that serial."""
    row = connection.execute(_PAPER, {"kind": LEASE, "serial": serial}).first()
    return Lease.of(json.loads(bytes(row.body))[LEASE]) if row else None


def pool_of(connection: Connection, box: str, epoch: int) -> str:
    """The pool that the box belonged to under this epoch; "" when it was never assigned."""
    row = connection.execute(_POOL, {"box": box, "epoch": epoch}).first()
    return row.pool if row else ""


def is_order(connection: Connection, sha256: str, spare: str, replaces: Replaces) -> bool:
    """Whether the assignment of this SHA-256 orders `spare` to take that place."""
    row = connection.execute(select(_W).where(_W.c.sha256 == sha256, _W.c.kind == ASSIGNMENT)).first()
    return row is not None and _order(row) == (spare, replaces)


def _order(row: Row[Any]) -> tuple[str, Replaces | None]:
    paper = Assignment.of(json.loads(bytes(row.body))[ASSIGNMENT])
    return paper.box, paper.replaces


def _assign(
    turn: Turn,
    key: ec.EllipticCurvePrivateKey,
    box: str,
    place: Place,
    at: datetime,
    new_epoch: bool,
    replaces: Replaces | None = None,
) -> bytes:
    epoch, serial = epochs.working(turn.connection, box, new_epoch), _next_serial(turn.connection)
    made = Assignment(
        serial, box, epoch, place.role, place.pool, place.home_unit, place.capture_unit, place.team,
        place.station, place.profile, replaces, at,
    )  # fmt: skip
    return _keep(turn, ASSIGNMENT, made, box, made.signed(key))


def _keep(turn: Turn, kind: str, paper: Assignment | Lease, holder: str, signed: Statement) -> bytes:
    body = signed.to_json()
    sha256 = hashlib.sha256(body).hexdigest()
    row = {"serial": paper.serial, "kind": kind, "holder": holder, "epoch": paper.epoch, "pool": paper.pool}
    row |= {"body": body, "sha256": sha256, "made_at": stamp(paper.at)}
    turn.connection.execute(insert(_W).values(**row))
    turn.append(Act.ASSIGNED if kind == ASSIGNMENT else Act.LEASED, sha256, "", holder, paper.at)
    return body


def _next_serial(connection: Connection) -> int:
    last = connection.execute(select(func.max(_W.c.serial))).scalar_one()
    return int(last or 0) + 1


_W = db.warrants
_NEWEST = (
    select(_W.c.body)
    .where(_W.c.kind == bindparam("kind"), _W.c.holder == bindparam("holder"))
    .order_by(_W.c.serial.desc())
    .limit(1)
)
_PAPER = select(_W.c.body).where(_W.c.kind == bindparam("kind"), _W.c.serial == bindparam("serial"))
_POOL = (
    select(_W.c.pool)
    .where(_W.c.kind == ASSIGNMENT, _W.c.holder == bindparam("box"), _W.c.epoch <= bindparam("epoch"))
    .order_by(_W.c.serial.desc())
    .limit(1)
)
