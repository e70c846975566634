"""STORE DATA under SCP03, as EMV cards are personalised (config/cards/store-data.toml; EMV CPS 2.0, 4.3)."""

from __future__ import annotations

from drivers.chip.apdu import CommandApdu
from drivers.chip.dialects import BytesDone
from drivers.chip.dialects.profile import LastBlock
from drivers.chip.dialects.scp03_card import Scp03Card
from drivers.chip.processor import demand
from drivers.chip.scp03 import GP_CLA, Scp03

STORE_DATA = 0xE2  # GlobalPlatform 2.3.1, 11.11
LAST_BLOCK, ENCRYPTED, DGI_FORMAT = 0x80, 0x60, 0x08  # of P1
LONG = 0xFF  # length field: two more bytes follow
MOST_BLOCKS = 256  # P2 counts them from 00


class StoreData(Scp03Card):
    """One data grouping (DGI) a sequence of STORE DATA; that of a file is its identifier.

    The card makes or replaces the file when the last block has come: a torn one changes nothing.
    """

    def _key_command(self, name: str, value: bytes, secret: bool = False) -> CommandApdu:
        grouping = _grouping(self._profile.tags[name], self._object(name, value))
        p1 = self._last_block | DGI_FORMAT | (ENCRYPTED if secret else 0)
        return CommandApdu(STORE_DATA, p1, 0, grouping, cla=GP_CLA)

    def _write(self, issuer: Scp03, fid: int, data: bytes, done: BytesDone) -> None:
        size = self.block_bytes
        grouping = _grouping(fid, data)
        blocks = [grouping[at : at + size] for at in range(0, len(grouping), size)]
        if len(blocks) > MOST_BLOCKS:
            raise ValueError(f"EF {fid:04X}: {len(blocks)} blocks, STORE DATA counts {MOST_BLOCKS}")
        told = len(data) - len(grouping)  # of the file: not the DGI and its length
        for number, block in enumerate(blocks):
            p1 = DGI_FORMAT | (self._last_block if number + 1 == len(blocks) else 0)
            store = CommandApdu(STORE_DATA, p1, number, block, cla=GP_CLA)
            demand(issuer, store, f"STORE DATA of EF {fid:04X}", self._wait.write)
            done(len(block) + told)
            told = 0

    @property
    def _last_block(self) -> int:
        """Of P1, where a data grouping ends."""
        words = self._profile.store_data
        return 0 if words and words.last_block is LastBlock.NEVER else LAST_BLOCK


def _grouping(dgi: int, data: bytes) -> bytes:
    """DGI ‖ length ‖ data (EMV CPS 2.0, 3.3.1)."""
    size = len(data)
    length = bytes([size]) if size < LONG else bytes([LONG]) + size.to_bytes(2, "big")
    return dgi.to_bytes(2, "big") + length + data
