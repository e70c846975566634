"""The life of a record (DESIGN section 5). States only move right; waiting is a flag, not a state."""

from __future__ import annotations

from enum import StrEnum

from firmware.records.errors import WrongState


class RecordState(StrEnum):
    DRAFT = "DRAFT"  # parts are being collected
    FROZEN = "FROZEN"  # all parts good or excepted, the citizen confirmed, content fixed
    ISSUING = "ISSUING"  # a card of this record may be live
    COMPLETE = "COMPLETE"  # what the rule pack requires is there; the card, if any, is locked
    SEALED = "SEALED"  # encrypted to the centre; the draft's key is gone
    ACKED = "ACKED"  # the centre's receipt is here
    PURGED = "PURGED"  # the sealed file is gone
    REFUSED = "REFUSED"  # ended without a record: the law says no
    ABANDONED = "ABANDONED"  # ended without a record: the person left, or the ticket ran out


S = RecordState
MOVES = frozenset(
    {
        (S.DRAFT, S.FROZEN),
        (S.FROZEN, S.ISSUING),
        (S.FROZEN, S.COMPLETE),  # only where no card is issued here
        (S.ISSUING, S.COMPLETE),
        (S.COMPLETE, S.SEALED),
        (S.SEALED, S.ACKED),
        (S.ACKED, S.PURGED),
        (S.DRAFT, S.REFUSED),
        (S.DRAFT, S.ABANDONED),
        (S.FROZEN, S.REFUSED),
        (S.FROZEN, S.ABANDONED),
    }
)
HAS_DRAFT = frozenset({S.DRAFT, S.FROZEN, S.ISSUING, S.COMPLETE})
"""The states in which the draft's key exists."""


def require_move(record_id: str, old: RecordState, new: RecordState) -> None:
    """Raise WrongState unless a record may go from `old` to `new`."""
    if (old, new) not in MOVES:
        raise WrongState(record_id, old, f"{new}")
