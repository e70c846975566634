"""`iso7816-scp03`: CREATE FILE and UPDATE BINARY (ISO/IEC 7816-9 and -4), PUT DATA for keys, under SCP03."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.virtual.card.chip import Chip, Traits
from drivers.virtual.card.issuer import (
    KEY_OBJECTS,
    LARGEST_FILE,
    LDS_FILES,
    IssuerPersonalisation,
    read_condition,
    value_of,
)
from drivers.virtual.card.words import Command, StatusWord, Verb

KIND = "iso7816-scp03"
FCP = 0x62
# Objects of the FCP (ISO/IEC 7816-4:2020, 7.4.3) and the only value of each, None where it varies.
_FCP: Mapping[int, bytes | None] = {
    0x80: None,  # bytes of content
    0x82: b"\x01",  # file descriptor: a transparent working EF
    0x83: None,  # file identifier
    0x88: None,  # short file identifier in the five high bits
    0x8A: b"\x01",  # life cycle status: creation
    0x8C: None,  # security attributes, compact: the conditions of UPDATE and READ follow
}
UPDATE_AND_READ, NEVER = 0x03, 0xFF


class IsoPersonalisation(IssuerPersonalisation):
    """Until the lock a file may be created again, up to its first size; without `recreates` only written."""

    def __init__(self, chip: Chip, traits: Traits) -> None:
        super().__init__(chip, traits.master)
        self._recreates = traits.recreates

    def writing(self) -> Mapping[int, Verb]:
        return {0x00E0: self._create_file, 0x00D6: self._update_binary, 0x00DA: self._put_data}

    def _create_file(self, command: Command) -> bytes:
        """CREATE FILE; the new file is the current one (ISO/IEC 7816-9:2017, 6.2.1)."""
        if command.p1p2:
            raise StatusWord(0x6A86)
        objects = _objects(value_of(FCP, command.data))
        if objects.keys() != _FCP.keys() or any(
            only not in (None, objects[tag]) for tag, only in _FCP.items()
        ):
            raise StatusWord(0x6A80)
        size, fid = _number(objects[0x80]), _number(objects[0x83])
        named = bytes(((fid & 0x1F) << 3,))
        conditions = bytes((UPDATE_AND_READ, NEVER, read_condition(fid)))
        if fid not in LDS_FILES or objects[0x88] != named or objects[0x8C] != conditions:
            raise StatusWord(0x6A80)
        if size > LARGEST_FILE:
            raise StatusWord(0x6A84)
        if fid in self.chip.files and not self._recreates:
            raise StatusWord(0x6A89)
        self.chip.files.create(fid, size, read_condition(fid))
        self.chip.files.select(fid)
        return b""

    def _update_binary(self, command: Command) -> bytes:
        """UPDATE BINARY of the current file, by an offset of 15 bits."""
        if command.p1 & 0x80:
            raise StatusWord(0x6A86)
        if not command.data:
            raise StatusWord(0x6700)
        current = self.chip.files.current
        if current is not None and current not in LDS_FILES:
            raise StatusWord(0x6982)  # the card's own
        self.chip.files.update(command.p1p2, command.data)
        return b""

    def _put_data(self, command: Command) -> bytes:
        if command.p1p2 not in KEY_OBJECTS:
            raise StatusWord(0x6A88)
        self.put_key(command.p2, command.data)
        return b""

    # --- what survives ---

    def state(self) -> dict[str, Any]:
        return {**super().state(), "recreates": self._recreates}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._recreates = bool(state.get("recreates", True))  # not in cards saved by older programs


def _objects(data: bytes) -> dict[int, bytes]:
    """One-byte tags, one-byte lengths, each once; 6A80."""
    objects: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        end = at + 2 + data[at + 1] if at + 1 < len(data) else len(data) + 1
        if end > len(data) or data[at + 1] > 0x7F or data[at] in objects:
            raise StatusWord(0x6A80)
        objects[data[at]] = data[at + 2 : end]
        at = end
    return objects


def _number(value: bytes) -> int:
    if len(value) != 2:
        raise StatusWord(0x6A80)
    return int.from_bytes(value, "big")
