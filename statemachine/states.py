"""The states of the procedure and the ways a visit can end."""

from __future__ import annotations

from enum import StrEnum


class S(StrEnum):
    """One state a screen (DESIGN section 2); the first sixteen are the procedure, the rest are beside it."""

    ATTRACT = "ATTRACT"
    LANGUAGE = "LANGUAGE"
    IDENTIFY = "IDENTIFY"
    LOOKUP = "LOOKUP"
    PROVE = "PROVE"
    REVIEW = "REVIEW"
    CONSENT = "CONSENT"
    FINGERS = "FINGERS"
    PORTRAIT = "PORTRAIT"
    CONFIRM = "CONFIRM"
    PLACE_CARD = "PLACE_CARD"
    WRITE_CHIP = "WRITE_CHIP"
    VERIFY_CHIP = "VERIFY_CHIP"
    LOCK_CHIP = "LOCK_CHIP"
    RECEIPT = "RECEIPT"
    FAREWELL = "FAREWELL"

    HELP = "HELP"
    OFFICER = "OFFICER"
    ASSISTED = "ASSISTED"
    PAUSED = "PAUSED"
    HOLD_STILL = "HOLD_STILL"
    STILL_THERE = "STILL_THERE"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    TECHNICIAN = "TECHNICIAN"
    STATUS = "STATUS"
    SWAP = "SWAP"


PROCEDURE: tuple[S, ...] = tuple(S)[: tuple(S).index(S.HELP)]
CHIP: tuple[S, ...] = (S.WRITE_CHIP, S.VERIFY_CHIP, S.LOCK_CHIP)


class Held(StrEnum):
    """What the box holds of this visit's record, as far as the flow must know."""

    NOTHING = "nothing"
    DRAFT = "draft"
    FROZEN = "frozen"
    ISSUING = "issuing"
    COMPLETE = "complete"


class Role(StrEnum):
    OFFICER = "officer"
    TECHNICIAN = "technician"


class Device(StrEnum):
    """What can be lost and come back.

    TOUCH is the touch screen, STORE the disk with the journal, CLOCK a time that can be used, PLACE the
    assignment to work here: it is lost when the box was handed over.
    """

    FINGER = "finger"
    CAMERA = "camera"
    CHIP = "chip"
    BADGE = "badge"
    PANEL = "panel"
    TOUCH = "touch"
    STORE = "store"
    CLOCK = "clock"
    PLACE = "place"
