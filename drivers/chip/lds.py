"""The logical data structure: its files by name, selected and read through a channel (Doc 9303-10)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.chip import tlv
from drivers.chip.access import Offer, Opener
from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.bac import Random
from drivers.chip.blocks import BlockMemory, Blocks
from drivers.chip.errors import MalformedData, TooLarge, WrongLength, refusal
from drivers.chip.password import Password
from drivers.chip.processor import APDU_TIMEOUT_S
from drivers.chip.secure_messaging import SecureMessaging
from drivers.chip.select import AID, Ef, select_application, select_file
from drivers.errors import DeviceRefused, DeviceTimeout, UserRetry

if TYPE_CHECKING:
    from drivers.api import ChipLink, ChipReader

__all__ = ["AID", "Blocks", "Ef", "LdsFiles", "open_card", "open_lds", "select_application", "select_file"]

LARGEST_FILE = 32767  # what a 15-bit offset of READ BINARY reaches
SLOWEST_BYTES_PER_S = 5000  # 106 kbit/s, frames and the chip's own work taken off

BytesDone = Callable[[int], None]  # called with the bytes moved since the last call


def open_lds(
    link: ChipLink,
    password: Password,
    blocks: Blocks | None = None,
    memory: BlockMemory | None = None,
    atr: bytes = b"",
    restart: Callable[[], bytes] | None = None,
    random: Random = secrets.token_bytes,
    offer: Offer | None = None,
) -> LdsFiles:
    """Open the LDS application of a card that was just reset and return its files: how anybody reads a chip.

    PACE where EF.CardAccess offers one that is known here, else BAC; `channel.protocol` says which. Block
    sizes are `blocks`, or what the card (its `atr`, EF.ATR/INFO) and `memory` say. `restart` resets the
    card where a channel must be opened again; with an `offer` EF.CardAccess is not read here. Raises
    FileNotFound when there is no such application, AccessRefused for another password, AccessUnsupported
    for a CAN without PACE, other CardErrors.
    """
    opener = Opener(link, password, restart=restart, random=random, offer=offer)
    return LdsFiles(opener, blocks or opener.reading_blocks(memory or BlockMemory(), atr))


def open_card(reader: ChipReader, password: Password, memory: BlockMemory | None = None) -> LdsFiles:
    """Reset the card on `reader` and `open_lds`; the reader resets it again whenever that is needed.

    Each call is a new look (`Blocks.begin`).
    """
    if memory is not None:
        memory.begin()

    def restart() -> bytes:
        reader.disconnect()
        return reader.connect()

    return open_lds(reader, password, memory=memory, atr=restart(), restart=restart)


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

    def adopt(self, channel: SecureMessaging) -> None:
        """Go on in a channel that followed this one, as Chip Authentication gives it."""
        self._channel = channel

    def read(self, fid: int, size: int, done: BytesDone) -> bytes:
        """The first `size` bytes of a file, fewer where it ends before. FileNotFound if there is none."""
        self.select(fid)
        return self._read_on(fid, b"", size, done)

    def read_object(self, fid: int, limit: int = LARGEST_FILE) -> bytes:
        """The one data object that a file of the LDS holds, its length taken from its first bytes.

        Raises MalformedData when that is not a BER-TLV header or the file is shorter than it says,
        TooLarge when the object would be longer than `limit`.
        """
        self.select(fid)
        start = self._read_on(fid, b"", tlv.LONGEST_HEADER, _unheard)
        header = tlv.read_header(start, der=False)
        size = header.size + header.length
        if size > limit:
            raise TooLarge(f"EF {fid:04X} claims {size} bytes, allowed are {limit}")
        content = self._read_on(fid, start[:size], size, _unheard)
        if len(content) != size:
            raise MalformedData(f"EF {fid:04X} claims {size} bytes, holds {len(content)}")
        return content

    def select(self, fid: int) -> None:
        select_file(self._channel, fid, self._timeout_s)

    def _read_on(self, fid: int, start: bytes, size: int, done: BytesDone) -> bytes:
        """The first `size` bytes of the current file, of which `start` is there already."""
        content = bytearray(start)
        while len(content) < size:
            block = self._block(fid, len(content), size - len(content))
            if not block:
                break
            content += block
            done(len(block))
        return bytes(content)

    def _block(self, fid: int, offset: int, left: int) -> bytes:
        """One block, asked for again in smaller sizes as long as the card rejects the size."""
        while True:
            wanted = min(left, self._blocks.size)
            try:
                block = self._read_binary(offset, wanted)
            except WrongLength:
                block = b""
            except DeviceTimeout:
                self._blocks.silent(wanted)
                raise
            except (UserRetry, DeviceRefused):
                self._blocks.lost(wanted)
                raise
            else:
                self._blocks.took(len(block))
                if block or wanted == 1 or self._ends_at(fid, offset):
                    return block
            if not self._blocks.fall_back():
                raise WrongLength(f"READ BINARY of EF {fid:04X}", Sw.WRONG_LENGTH)
            self._go_on(fid)

    def _ends_at(self, fid: int, offset: int) -> bool:
        """Whether the empty answer was the end of the file rather than a block this card cannot send."""
        self._go_on(fid)
        return not self._read_binary(offset, 1)

    def _go_on(self, fid: int) -> None:
        """The channel with the file in it, opened anew where a status outside of it has ended it."""
        if not self._channel.alive:
            self._channel = self._reopen()
            self.select(fid)

    def _read_binary(self, offset: int, wanted: int) -> bytes:
        command = CommandApdu(Ins.READ_BINARY, offset >> 8, offset & 0xFF, ne=wanted)
        response = self._channel.send(command, self._timeout_s + wanted / SLOWEST_BYTES_PER_S)
        if response.sw == Sw.WRONG_OFFSET:
            return b""
        if response.sw not in (Sw.OK, Sw.END_OF_FILE):
            raise refusal("READ BINARY", response.sw)
        if len(response.data) > wanted:
            raise MalformedData("READ BINARY: more than was asked for")
        return response.data


def _unheard(_: int) -> None:
    """Progress that nobody watches."""
