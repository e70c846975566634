"""`store-data`: everything comes in data groupings by STORE DATA (GlobalPlatform 2.3.1, 11.11), under SCP03.

A data grouping (DGI) is a file, by its identifier, or a key object. It takes effect as a whole with its
last block: what remains unfinished leaves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.virtual.card.chip import Chip, Traits
from drivers.virtual.card.issuer import (
    KEY_OBJECTS,
    LARGEST_FILE,
    LDS_FILES,
    SECRETS,
    IssuerPersonalisation,
    read_condition,
)
from drivers.virtual.card.words import Command, StatusWord, Verb

KIND = "store-data"
LAST, ENCRYPTED, DGI_FORMAT = 0x80, 0x60, 0x08  # bits of P1 (table 11-88)


@dataclass
class Grouping:
    """A DGI of which `blocks` blocks have come; P1 of all says whether it is `encrypted`."""

    dgi: int
    size: int
    encrypted: bool
    data: bytearray = field(default_factory=bytearray)
    blocks: int = 0

    @property
    def is_whole(self) -> bool:
        return len(self.data) == self.size


class StorePersonalisation(IssuerPersonalisation):
    """A file comes again as often as need be, up to its first size, until the lock."""

    _unfinished: Grouping | None = None

    def __init__(self, chip: Chip, traits: Traits) -> None:
        super().__init__(chip, traits.master)
        self._last_block_ends = traits.last_block_ends

    def writing(self) -> Mapping[int, Verb]:
        return {0x80E2: self._store_data}

    def forget(self) -> None:
        super().forget()
        self._unfinished = None

    def _store_data(self, command: Command) -> bytes:
        """One block; whatever is wrong with it drops the grouping it was to be part of."""
        before, self._unfinished = self._unfinished, None
        if command.p1 & ~LAST not in (DGI_FORMAT, DGI_FORMAT | ENCRYPTED):
            raise StatusWord(0x6A86)
        encrypted = bool(command.p1 & ENCRYPTED)
        if command.p2 == 0:
            grouping, data = _begin(command.data, encrypted)
        elif before and before.blocks == command.p2 and before.encrypted == encrypted:
            grouping, data = before, command.data
        else:
            raise StatusWord(0x6A86)
        self._append(grouping, data)
        last = bool(command.p1 & LAST)
        if last != grouping.is_whole and (last or not self._last_block_ends):
            raise StatusWord(0x6A80)
        if grouping.is_whole:
            self._take(grouping)
        else:
            self._unfinished = grouping
        if last and self._last_block_ends:
            self.chip.locked = True
        return b""

    def _append(self, grouping: Grouping, data: bytes) -> None:
        if not data or len(grouping.data) + len(data) > grouping.size:
            raise StatusWord(0x6A80)
        if grouping.dgi in LDS_FILES:
            self.chip.files.program(len(grouping.data), len(data))
        grouping.data += data
        grouping.blocks += 1

    def _take(self, grouping: Grouping) -> None:
        value = bytes(grouping.data)
        if grouping.dgi in KEY_OBJECTS:
            self.put_key(grouping.dgi, value)
        else:
            self.chip.files.put(grouping.dgi, value, read_condition(grouping.dgi), programmed=True)

    # --- what survives ---

    def state(self) -> dict[str, Any]:
        return {**super().state(), "last_block_ends": self._last_block_ends}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._last_block_ends = bool(state.get("last_block_ends", False))  # not saved by older programs


def _begin(data: bytes, encrypted: bool) -> tuple[Grouping, bytes]:
    """The grouping of a first block `DGI ‖ length ‖ data`, and that data."""
    wide = data[2:3] == b"\xff"
    head = 5 if wide else 3
    if len(data) < head:
        raise StatusWord(0x6A80)
    dgi = int.from_bytes(data[:2], "big")
    size = int.from_bytes(data[3:5], "big") if wide else data[2]
    if dgi not in KEY_OBJECTS and dgi not in LDS_FILES:
        raise StatusWord(0x6A88)
    if encrypted != (dgi in SECRETS) or (wide and size < 0xFF):
        raise StatusWord(0x6A80)
    if size > LARGEST_FILE:
        raise StatusWord(0x6A84)
    return Grouping(dgi, size, encrypted), data[head:]
