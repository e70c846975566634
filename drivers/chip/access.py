"""How a chip is opened: PACE where it offers one that is known here, else BAC (Doc 9303-11, 4.2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from drivers.chip import tlv
from drivers.chip.apdu import CommandApdu, Ins
from drivers.chip.bac import Random, open_bac
from drivers.chip.blocks import BlockMemory, Blocks, card_type
from drivers.chip.errors import AccessRefused, AccessUnsupported, CardRefused, FileNotFound
from drivers.chip.pace import PACE_TIMEOUT_S, Pace, choose, open_pace
from drivers.chip.password import Can, Password
from drivers.chip.processor import Plain, Processor
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.security_infos import PaceInfo, parse
from drivers.chip.select import AID, Ef, read_free_object, select_application

if TYPE_CHECKING:
    from drivers.api import ChipLink

__all__ = ["Can", "Offer", "Opener", "Password", "open_with", "read_card_access"]

CARD_ACCESS_SFI = 0x1C
LARGEST_CARD_ACCESS = 2048  # the largest seen have some 300 bytes
SELECT_MF = CommandApdu(Ins.SELECT, 0x00, 0x0C, b"\x3f\x00")


@dataclass(frozen=True, slots=True)
class Offer:
    """What one card offers to be opened with: its EF.CardAccess (None for no such file) and the PACE of it.

    Nobody signs that file. Whoever compares it with its copy in DG14 must open the card with the very bytes
    that are compared: read again, they may be others (Doc 9303-11, 9.2.11).
    """

    card_access: bytes | None
    pace: Pace | None
    unspoken: bool = False
    """PACE is offered, and none that is known here: such a card may know no BAC at all."""

    @classmethod
    def of(cls, card_access: bytes | None) -> Self:
        """Raises MalformedData for an EF.CardAccess that is none."""
        infos = () if card_access is None else parse(card_access)
        pace = choose(infos)
        return cls(card_access, pace, pace is None and any(isinstance(info, PaceInfo) for info in infos))


def read_card_access(plain: Processor) -> bytes | None:
    """EF.CardAccess of a card that was just reset, None where it has none (Doc 9303-10, 3.11.3).

    Selected directly, as not every card takes SELECT of the master file; else read by its short
    identifier. Its own length may have more bytes than it needs, as cards may write it; it is returned in
    DER. Raises MalformedData when it is no data object of at most 2048 bytes.
    """
    content = read_free_object(plain, Ef.CARD_ACCESS, CARD_ACCESS_SFI, LARGEST_CARD_ACCESS)
    return None if content is None else b"".join(tlv.encode(*each) for each in tlv.parse(content, der=False))


def open_with(
    plain: Processor,
    password: Password,
    offer: Offer | None,
    aid: bytes = AID,
    timeout_s: float = PACE_TIMEOUT_S,
    random: Random = secrets.token_bytes,
) -> SecureMessaging:
    """Open a card that was just reset and select the application `aid`; `protocol` says how.

    By PACE where its offer has one, with no downgrade to BAC; None: BAC. Raises AccessRefused when it is not
    the card's password, AccessUnsupported where the card has no PACE known here and does not open with BAC
    (with a CAN none does), and other CardErrors.
    """
    if offer is not None and offer.pace is not None:
        channel = open_pace(plain, password, offer.pace, random, timeout_s)
        select_application(channel, aid)
        return channel
    if isinstance(password, Can):
        raise AccessUnsupported("the card offers no PACE that is known here: a CAN cannot open it")
    try:
        select_application(plain, aid)
        return open_bac(plain, password, random, timeout_s)
    except (FileNotFound, AccessRefused):
        raise
    except CardRefused as exc:
        if offer is None or not offer.unspoken:
            raise
        raise AccessUnsupported(f"its PACE is of a kind not known here, and BAC it refuses: {exc}") from exc


class Opener:
    """Opens one card's channel, and again when it had to end; EF.CardAccess is read once, or is `offer`'s.

    PACE starts from the master file: before it is run again the card is reset by `restart`, or the
    master file selected as far as the card takes that.
    """

    def __init__(
        self,
        link: ChipLink,
        password: Password,
        aid: bytes = AID,
        restart: Callable[[], object] | None = None,
        random: Random = secrets.token_bytes,
        offer: Offer | None = None,
    ) -> None:
        self._plain = Plain(link)
        self._password = password
        self._aid = aid
        self._restart = restart
        self._random = random
        self._offer = offer
        self._opened = False

    @property
    def plain(self) -> Plain:
        return self._plain

    def reading_blocks(self, memory: BlockMemory, atr: bytes) -> Blocks:
        """Ask the card, just reset, what it takes; keep to short APDUs where it must be so, told or found."""
        card = card_type(self._plain, atr)
        blocks = memory.reading(card)
        self._plain.extended = card.extended is not False and not blocks.short_only
        return blocks

    def __call__(self) -> SecureMessaging:
        if self._offer is None:
            self._offer = Offer.of(read_card_access(self._plain))
        if self._opened:
            self._begin_again(self._offer)
        self._opened = True
        return open_with(self._plain, self._password, self._offer, self._aid, random=self._random)

    def _begin_again(self, offer: Offer) -> None:
        if self._restart is not None:
            self._restart()
        elif offer.pace is not None:
            self._plain.send(SELECT_MF)
