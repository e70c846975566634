"""Which card is this, and may the transaction go on with it (DESIGN section 6)?

Two cards of one record must never both become live. Access keys follow from the person, so every card
of an earlier attempt opens with them too: a card that opens is *ours*, and still not yet *the* card.
"""

from __future__ import annotations

from enum import Enum, auto

from drivers.errors import UserRetry
from firmware.issue.mark import Mark, Stage
from firmware.issue.ports import Attempt, CardState

BLANK, OURS, OURS_LOCKED = "blank", "ours", "ours_locked"  # values of drivers.chip.dialects.CardKind
_EMPTY = frozenset({0x00, 0xFF})  # what unwritten memory reads as


class Held(Enum):
    """What a card holds of a file."""

    NOTHING = auto()
    TORN = auto()  # our bytes up to a point, then at most one block of anything, then nothing
    ALL = auto()
    OTHER = auto()


def held(found: bytes | None, wanted: bytes, block_bytes: int) -> Held:
    """Compare what was read of a file with what was to be written in blocks of `block_bytes`."""
    if found == wanted:
        return Held.ALL
    if found is None or _EMPTY.issuperset(found):
        return Held.NOTHING
    same = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), None)
    if same is None:
        return Held.TORN if len(found) < len(wanted) else Held.OTHER
    return Held.TORN if _EMPTY.issuperset(found[same + block_bytes :]) else Held.OTHER


def is_the_card(state: CardState, mark: Mark, attempt: Attempt) -> bool:
    """Whether a card that opens can only be the one this attempt began.

    By its serial where it has one; otherwise only while a single card ever got these access keys.
    """
    if mark.serial is not None or state.serial is not None:
        return state.serial == mark.serial
    return attempt.number == 1 and not mark.again


def begin(state: CardState, mark: Mark) -> Mark | None:
    """The mark to keep before access keys go to this card; None if it already has them.

    A blank where keys may have been sent is most likely the same card, torn before it acted. It may
    also be a second one, so from then on opening is no proof.
    """
    if state.kind == BLANK and mark.stage is Stage.FRESH:
        return Mark(Stage.KEYS, serial=state.serial)
    if state.kind == BLANK and mark.stage is Stage.KEYS:
        same = state.serial is not None and state.serial == mark.serial
        return Mark(Stage.KEYS, mark.again or not same, mark.apdus, state.serial)
    if state.kind == OURS and mark.stage is not Stage.FRESH:
        return None
    raise refusal(state)


def refusal(state: CardState) -> UserRetry:
    """What the person is told about a card that is not the one."""
    return UserRetry("card_locked" if state.kind == OURS_LOCKED else "card_foreign")
