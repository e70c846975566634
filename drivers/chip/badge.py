"""The officer's badge: which number it carries. It names, it does not prove; the PIN goes with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.errors import CardRefused, MalformedData, refusal
from drivers.chip.lds import select_application
from drivers.chip.processor import Plain
from drivers.errors import UserRetry

if TYPE_CHECKING:
    from drivers.api import ChipReader

AID = bytes.fromhex("F04B494F534B01")
EF_NUMBER_SFI = 0x01
LONGEST = 32


def read_badge(reader: ChipReader) -> str:
    """Return the badge number (1 to 32 of A-Z, 0-9, hyphen) of the card that lies there.

    Raises UserRetry("card_foreign") when it is no badge, MalformedData when it carries no such number,
    and whatever `connect` and `transmit` raise. The card is let go.
    """
    reader.connect()
    try:
        return _number(Plain(reader))
    finally:
        reader.disconnect()


def _number(plain: Plain) -> str:
    try:
        select_application(plain, AID)
    except CardRefused as exc:
        raise UserRetry("card_foreign") from exc
    response = plain.send(CommandApdu(Ins.READ_BINARY, 0x80 | EF_NUMBER_SFI, 0, ne=LONGEST))
    if response.sw not in (Sw.OK, Sw.END_OF_FILE):
        raise refusal("READ BINARY of the badge's number", response.sw)
    number = response.data.decode("ascii", "replace")
    if not re.fullmatch(f"[A-Z0-9-]{{1,{LONGEST}}}", number):
        raise MalformedData("the badge carries no number")
    return number
