"""A box's epochs: under which it works, up to which of its numbers a former one counts (DESIGN section 7).

Epoch n is open until another box takes its place. Then it is closed: at record k when k is known, and with k
unknown when nothing of the box can be read. What closes an epoch closes those before it: a copy of the
box with an older assignment must not go on either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from centre import db
from centre.errors import Refused

FIRST_EPOCH: Final = 1
OPEN, KNOWN, UNKNOWN = "", "known", "unknown"


def of(connection: Connection, box: str, epoch: int) -> Row[Any] | None:
    return connection.execute(_EPOCH, {"box": box, "epoch": epoch}).first()


def newest(connection: Connection, box: str) -> Row[Any] | None:
    """The box's highest epoch, open or not."""
    of_box = select(_E).where(_E.c.box == box)
    return connection.execute(of_box.order_by(_E.c.epoch.desc()).limit(1)).first()


def working(connection: Connection, box: str, new: bool = False) -> int:
    """The epoch under which the box works from now on: the newest if that is open, or else a new one."""
    row = newest(connection, box)
    if row is not None and row.closed == OPEN and not new:
        return int(row.epoch)
    epoch = row.epoch + 1 if row else FIRST_EPOCH
    connection.execute(insert(_E).values(box=box, epoch=epoch))
    return int(epoch)


def close(connection: Connection, box: str, epoch: int, closed_at: int | None) -> None:
    """Close `epoch`, and what is open before it, at number `closed_at`, or at a number that nobody knows.

    A number that is known already is not forgotten.
    """
    for row in connection.execute(select(_E).where(_E.c.box == box, _E.c.epoch <= epoch)).all():
        if closed_at is None and row.closed == KNOWN:
            continue
        if row.epoch < epoch and row.closed == KNOWN:
            continue
        state = UNKNOWN if closed_at is None else KNOWN
        here = update(_E).where(_E.c.box == box, _E.c.epoch == row.epoch)
        connection.execute(here.values(closed_at_number=closed_at, closed=state))


def need_open(connection: Connection, box: str, epoch: int) -> None:
    """Raises Refused(409): epoch_unknown, or epoch_closed for a box that another one has replaced."""
    row = of(connection, box, epoch)
    if row is None:
        raise Refused(409, "epoch_unknown", "the centre never gave the box this epoch")
    if row.closed != OPEN:
        raise Refused(409, CLOSED, "another box has taken the place of this one")


def doubts(connection: Connection, box: str, epoch: int, sequence: int) -> Iterator[str]:
    """Why a record of this number does not simply count under this epoch."""
    row = of(connection, box, epoch)
    if row is None:
        yield "epoch_unknown"
    elif row.closed == UNKNOWN:
        yield UNCLEAR
    elif row.closed == KNOWN and sequence > row.closed_at_number:
        yield CLOSED


UNCLEAR, CLOSED = "epoch_unclear", "epoch_closed"
_E = db.epochs
_EPOCH = select(_E).where(_E.c.box == bindparam("box"), _E.c.epoch == bindparam("epoch"))
