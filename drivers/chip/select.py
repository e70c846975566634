"""Files by name: the application and its EFs, selected, and read where anybody may (Doc 9303-10, 3)."""

from __future__ import annotations

from enum import IntEnum

from drivers.chip import tlv
from drivers.chip.apdu import SHORT_NE, CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.errors import MalformedData, refusal
from drivers.chip.processor import APDU_TIMEOUT_S, Processor, demand

AID = bytes.fromhex("A0000002471001")  # the eMRTD application (Doc 9303-10, 3.4)
PLAIN_BLOCK = 0xDF
SFI = 0x80  # in P1 of READ BINARY: bits 5 to 1 are a short EF identifier


class Ef(IntEnum):
    """File identifiers (Doc 9303-10, table 38)."""

    DG1 = 0x0101
    DG2 = 0x0102
    DG3 = 0x0103
    DG4 = 0x0104
    DG11 = 0x010B
    DG12 = 0x010C
    DG13 = 0x010D
    DG14 = 0x010E
    DG15 = 0x010F
    CARD_ACCESS = 0x011C
    SOD = 0x011D
    COM = 0x011E
    ATR_INFO = 0x2F01
    DIR = 0x2F00


def select_application(processor: Processor, aid: bytes = AID, p2: int = 0x0C) -> None:
    """SELECT by DF name; in the clear it ends any channel. Raises FileNotFound or another CardRefused."""
    demand(processor, CommandApdu(Ins.SELECT, 0x04, p2, aid), "SELECT application")


def select_file(processor: Processor, fid: int, timeout_s: float = APDU_TIMEOUT_S) -> None:
    """SELECT an EF under the current DF. Raises FileNotFound or another CardRefused."""
    command = CommandApdu(Ins.SELECT, 0x02, 0x0C, fid.to_bytes(2, "big"))
    demand(processor, command, f"SELECT EF {fid:04X}", timeout_s)


def read_free_object(processor: Processor, fid: int, sfi: int, limit: int) -> bytes | None:
    """The one data object of a file that anybody may read, by SELECT or else by its short identifier.

    None when the card refuses both ways. Raises MalformedData for what is no object or is over `limit`.
    """
    start = _start(processor, fid, sfi, tlv.LONGEST_HEADER)
    if start is None:
        return None
    header = tlv.read_header(start, der=False)
    size = header.size + header.length
    if size > limit:
        raise MalformedData(f"EF {fid:04X} claims {size} bytes, allowed are {limit}")
    content = start[:size]
    while len(content) < size:
        wanted = min(PLAIN_BLOCK, size - len(content))
        block = _read(processor, len(content) >> 8, len(content) & 0xFF, wanted)
        if block.sw not in (Sw.OK, Sw.END_OF_FILE):
            raise refusal(f"READ BINARY of EF {fid:04X}", block.sw)
        if not 0 < len(block.data) <= wanted:
            raise MalformedData(f"EF {fid:04X} claims {size} bytes, holds {len(content)}")
        content += block.data
    return content


def read_free_start(processor: Processor, fid: int, sfi: int) -> bytes | None:
    """Up to 256 bytes from the start of a file that anybody may read; None when the card refuses."""
    return _start(processor, fid, sfi, SHORT_NE)


def _start(processor: Processor, fid: int, sfi: int, wanted: int) -> bytes | None:
    """The first bytes of the file, which then is the current one; None when it is refused both ways."""
    select = CommandApdu(Ins.SELECT, 0x02, 0x0C, fid.to_bytes(2, "big"))
    p1 = 0x00 if processor.send(select).sw == Sw.OK else SFI | sfi
    answer = _read(processor, p1, 0, wanted)
    if answer.sw not in (Sw.OK, Sw.END_OF_FILE) or not answer.data:
        return None
    if len(answer.data) > wanted:
        raise MalformedData(f"READ BINARY of EF {fid:04X}: more than was asked for")
    return answer.data


def _read(processor: Processor, p1: int, p2: int, wanted: int) -> ResponseApdu:
    return processor.send(CommandApdu(Ins.READ_BINARY, p1, p2, ne=wanted))
