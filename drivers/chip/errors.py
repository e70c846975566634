"""A fault of the card: neither the person nor the reader can mend it; it ends the card's session."""

from __future__ import annotations

from drivers.chip.apdu import Sw
from drivers.errors import DriverError

CLAUSE = "ISO/IEC 7816-4:2020, 5.6"


class CardError(DriverError):
    """The card did what it must not, or will not do what it must."""


class CardRefused(CardError):
    """It answered `doing` with the status bytes `sw`; the message says what they mean and where."""

    def __init__(self, doing: str, sw: int) -> None:
        super().__init__(f"{doing}: {sw:04X}, {meaning(sw)} ({CLAUSE})")
        self.doing = doing
        self.sw = sw


class WrongLength(CardRefused):
    """6700, 6884 or 6Cxx: this card wants smaller or other blocks."""


class SecurityStatusNotSatisfied(CardRefused):
    """6982: the file is guarded and the guard was not passed."""


class ConditionsNotSatisfied(CardRefused):
    """6985: not in this state of the card's life."""


class FileNotFound(CardRefused):
    """6A82: no such file or application."""


class NotEnoughSpace(CardRefused):
    """6A84: the file or the card is full."""


class AccessRefused(CardRefused):
    """The password is not that of this card (Doc 9303-11, 4.3 and 4.4)."""


class AccessUnsupported(CardError):
    """The card offers no access protocol that this terminal speaks with the password it was given."""


class NotGenuine(CardError):
    """The chip could not prove that it holds its private key (Doc 9303-11, 6.1 and 6.2): a copy."""


class SecureMessagingError(CardError):
    """The channel is broken or was tampered with (Doc 9303-11, 9.8.5); its keys are forgotten."""


class MalformedData(CardError):
    """What the card holds or answers is not what the standard allows there."""


class TooLarge(MalformedData):
    """The file is, or says it is, longer than what is read here: its content is not known."""


class UnknownAlgorithm(CardError):
    """The card's key or signature is of a kind that is not known here: nothing can be said about it."""


class NotLocked(CardError):
    """A card that must be operational still accepts what only personalisation may do."""


_TYPED: dict[int, type[CardRefused]] = {
    Sw.WRONG_LENGTH: WrongLength,
    Sw.CHAINING_NOT_SUPPORTED: WrongLength,
    Sw.SECURITY_STATUS: SecurityStatusNotSatisfied,
    Sw.CONDITIONS_OF_USE: ConditionsNotSatisfied,
    Sw.FILE_NOT_FOUND: FileNotFound,
    Sw.NO_SPACE: NotEnoughSpace,
}


def refusal(doing: str, sw: int) -> CardRefused:
    """The typed error that status bytes other than 9000 stand for."""
    kind = WrongLength if sw >> 8 == 0x6C else _TYPED.get(sw, CardRefused)
    return kind(doing, sw)


def meaning(sw: int) -> str:
    return next((known.meaning for known in Sw if known == sw), "no meaning known here")
