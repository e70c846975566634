"""What can be wrong with a box's identity, and what an unlocking officer can be told."""

from __future__ import annotations


class IdentityError(Exception):
    """The box's folder does not hold a usable identity; the message says what is missing."""


class UnlockRefused(Exception):
    """The box stays locked; `reason` is the key of a text."""

    reason = "unlock_refused"


class BadgeUnknown(UnlockRefused):
    """No officer of this badge may unlock this box."""

    reason = "badge_unknown"


class PinWrong(UnlockRefused):
    """`left` more wrong ones, over all officers, and the TPM takes none for a while."""

    reason = "pin_wrong"

    def __init__(self, left: int) -> None:
        super().__init__(f"wrong PIN; {left} tries left")
        self.left = left


class LockedOut(UnlockRefused):
    """Too many wrong PINs: the TPM takes none; it forgives one every `wait_s` seconds it is on."""

    reason = "locked_out"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many wrong PINs: one more try in {wait_s} s with the power on")
        self.wait_s = wait_s
