"""The logical data structure: its files by name, selected and read through a channel (Doc 9303-10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from drivers.chip import tlv
from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.bac import AccessKeys, open_bac
from drivers.chip.errors import MalformedData, WrongLength, refusal
from drivers.chip.processor import APDU_TIMEOUT_S, Plain, Processor, demand
from drivers.chip.secure_messaging import SecureMessaging

if TYPE_CHECKING:
    from drivers.api import ChipLink

AID = bytes.fromhex("A0000002471001")  # the eMRTD application (Doc 9303-10, 3.4)
USUAL_BLOCKS = (223, 192, 128)  # the largest that every response under secure messaging holds, then less
LARGEST_FILE = 32767  # what a 15-bit offset of READ BINARY reaches

BytesDone = Callable[[int], None]  # called with the bytes moved since the last call


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


class Blocks:
    """The block size a type of card was found to take: starts large and only falls."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sorted(sizes, reverse=True)

    @property
    def size(self) -> int:
        return self._sizes[0]

    def fall_back(self) -> bool:
        """Go to the next smaller size; False when there is none."""
        if len(self._sizes) == 1:
            return False
        del self._sizes[0]
        return True


def open_lds(link: ChipLink, keys: AccessKeys, blocks: Blocks | None = None) -> LdsFiles:
    """Select the LDS application, open it with BAC and return its files: how anybody reads a chip.

    Raises FileNotFound when there is no such application, AccessRefused for other keys.
    """
    plain = Plain(link)

    def open_channel() -> SecureMessaging:
        select_application(plain)
        return open_bac(plain, keys)

    return LdsFiles(open_channel, blocks or Blocks(USUAL_BLOCKS))


class LdsFiles:
    """Reads files through the channel that `reopen` opens (the application selected, BAC or PACE done).

    `reopen` is called at the start and whenever a card ended the channel because a block was too large.
    Raises CardError, and whatever the link raises.
    """

    def __init__(
        self,
        reopen: Callable[[], SecureMessaging],
        blocks: Blocks,
        timeout_s: float = APDU_TIMEOUT_S,
    ) -> None:
        self._reopen = reopen
        self._blocks = blocks
        self._timeout_s = timeout_s
        self._channel = reopen()

    @property
    def channel(self) -> SecureMessaging:
        return self._channel

    def read(self, fid: int, size: int, done: BytesDone) -> bytes:
        """The first `size` bytes of a file, fewer where it ends before. FileNotFound if there is none."""
        self.select(fid)
        content = bytearray()
        while len(content) < size:
            block = self._block(fid, len(content), size - len(content))
            if not block:
                break
            content += block
            done(len(block))
        return bytes(content)

    def read_object(self, fid: int, limit: int = LARGEST_FILE) -> bytes:
        """The one data object that a file of the LDS holds, its length taken from its first bytes.

        Raises MalformedData when that is not a BER-TLV header, the object would be longer than
        `limit`, or the file is shorter than it says.
        """
        start = self.read(fid, tlv.LONGEST_HEADER, _unheard)
        header = tlv.read_header(start, der=False)
        size = header.size + header.length
        if size > limit:
            raise MalformedData(f"EF {fid:04X} claims {size} bytes, allowed are {limit}")
        content = self.read(fid, size, _unheard)
        if len(content) != size:
            raise MalformedData(f"EF {fid:04X} claims {size} bytes, holds {len(content)}")
        return content

    def select(self, fid: int) -> None:
        select_file(self._channel, fid, self._timeout_s)

    def _block(self, fid: int, offset: int, left: int) -> bytes:
        """One block, asked for again in smaller sizes as long as the card rejects the size."""
        while True:
            wanted = min(left, self._blocks.size)
            try:
                block = self._read_binary(offset, wanted)
            except WrongLength:
                block = b""
            else:
                if block or wanted == 1 or self._ends_at(offset):
                    return block
            if not self._blocks.fall_back():
                raise WrongLength(f"READ BINARY of EF {fid:04X}", Sw.WRONG_LENGTH)
            self._channel = self._reopen()
            self.select(fid)

    def _ends_at(self, offset: int) -> bool:
        """Whether the empty answer was the end of the file rather than a block this card cannot send."""
        return not self._read_binary(offset, 1)

    def _read_binary(self, offset: int, wanted: int) -> bytes:
        command = CommandApdu(Ins.READ_BINARY, offset >> 8, offset & 0xFF, ne=wanted)
        response = self._channel.send(command, self._timeout_s)
        if response.sw == Sw.WRONG_OFFSET:
            return b""
        if response.sw not in (Sw.OK, Sw.END_OF_FILE):
            raise refusal("READ BINARY", response.sw)
        if len(response.data) > wanted:
            raise MalformedData("READ BINARY: more than was asked for")
        return response.data


def select_application(plain: Processor, aid: bytes = AID, p2: int = 0x0C) -> None:
    """SELECT by DF name; ends any channel. Raises FileNotFound or another CardRefused."""
    demand(plain, CommandApdu(Ins.SELECT, 0x04, p2, aid), "SELECT application")


def select_file(processor: Processor, fid: int, timeout_s: float = APDU_TIMEOUT_S) -> None:
    """SELECT an EF under the current DF. Raises FileNotFound or another CardRefused."""
    command = CommandApdu(Ins.SELECT, 0x02, 0x0C, fid.to_bytes(2, "big"))
    demand(processor, command, f"SELECT EF {fid:04X}", timeout_s)


def _unheard(_: int) -> None:
    """Progress that nobody watches."""
