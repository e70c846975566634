"""In whose place a box stands: what it adopted, and what that one had adopted before (A by B, both by C)."""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property

from sqlalchemy import Connection, bindparam, select

from centre import db


class Right(IntEnum):
    """Whether a box may speak for a place. DISPUTED: another box took that place first."""

    NONE = 0
    DISPUTED = 1
    SOLE = 2


class Inherited:
    """The places that `box` took; nothing is asked of the database before it matters."""

    def __init__(self, connection: Connection, box: str) -> None:
        self._connection = connection
        self._box = box

    def right(self, box: str, epoch: int) -> Right:
        """The right to speak for `box` as it was under `epoch`; over oneself it is sole."""
        if box == self._box:
            return Right.SOLE
        held = [right for (former, last), right in self._places.items() if former == box and epoch <= last]
        return max(held, default=Right.NONE)

    @cached_property
    def _places(self) -> dict[tuple[str, int], Right]:
        """By box and epoch. What a box took under a later epoch than it was adopted in is not inherited."""
        found: dict[tuple[str, int], Right] = {}
        todo: list[tuple[str, int | None, Right]] = [(self._box, None, Right.SOLE)]
        while todo:
            by, until, right = todo.pop()
            for row in self._connection.execute(_TAKEN, {"by": by}).all():
                place, through = (row.box, row.epoch), min(right, _right(row.conflict))
                if (until is None or row.by_epoch <= until) and found.get(place, Right.NONE) < through:
                    found[place] = through
                    todo.append((*place, through))
        return found


def _right(conflict: int) -> Right:
    return Right.DISPUTED if conflict else Right.SOLE


_TAKEN = select(db.swaps.c.box, db.swaps.c.epoch, db.swaps.c.by_epoch, db.swaps.c.conflict).where(
    db.swaps.c.by == bindparam("by")
)
