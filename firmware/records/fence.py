"""What a box may no longer touch: its closed epochs and the drafts that it handed over (DESIGN section 7)."""

from __future__ import annotations

from firmware.records.database import Readable
from firmware.records.errors import HandedOver

HANDED_OVER = "handed_over"
"""Why a draft is no longer this box's: `record.ended_reason`. Its state stays, for the box that goes on."""
_CLOSED = "SELECT 1 FROM handover WHERE kind IN ('given', 'retired') AND box = ? AND epoch >= ?"


def closed(db: Readable, box: str, epoch: int) -> bool:
    """Whether `box` gave this epoch, or a later one, away or was retired: it begins and issues nothing."""
    with db.reading() as connection:
        return connection.execute(_CLOSED, (box, epoch)).fetchone() is not None


def require_open(db: Readable, box: str, epoch: int) -> None:
    """Raises HandedOver."""
    if closed(db, box, epoch):
        raise HandedOver(f"epoch {epoch} of {box} was handed over: a spare takes its place")
