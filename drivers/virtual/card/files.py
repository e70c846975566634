"""Transparent elementary files: the current one, READ conditions, a bound on memory (ISO/IEC 7816-4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.virtual.card.words import StatusWord

# Security condition bytes of READ (compact format, ISO/IEC 7816-4:2020, 9.4.2.2)
ALWAYS = 0x00
SECURED = 0x40  # secure messaging
GUARDED = 0x60  # secure messaging and external authentication: a terminal's (EAC), or the issuer's

_SFI = {0x2F00: 0x1E}  # EF.DIR has a name of its own; all others the five low bits of theirs


PAGE_BYTES = 64  # programmed at once


def anywhere(_: int) -> bool:
    """Every file is under the current DF."""
    return True


@dataclass(slots=True)
class File:
    room: int  # what it was first created with
    read: int
    content: bytearray


class FileSystem:
    def __init__(self, memory_bytes: int = 96 * 1024) -> None:
        self._memory_bytes = memory_bytes
        self._files: dict[int, File] = {}
        self.current: int | None = None
        self.pages_written = 0  # since it was made

    def __contains__(self, fid: int) -> bool:
        return fid in self._files

    def create(self, fid: int, size: int, read: int = SECURED) -> None:
        """Make the file, or clear and shrink it; never more than its first size (6A84)."""
        self._make(fid, size, read)
        self.program(0, size)

    def _make(self, fid: int, size: int, read: int) -> None:
        old = self._files.get(fid)
        room = self._free_bytes() if old is None else old.room
        if size == 0:
            raise StatusWord(0x6A80)
        if size > room:
            raise StatusWord(0x6A84)
        self._files[fid] = File(size if old is None else old.room, read, bytearray(size))

    def put(self, fid: int, content: bytes, read: int = SECURED, programmed: bool = False) -> None:
        """Create the file and fill it in one act; `programmed` if its pages were as the content came."""
        self._make(fid, len(content), read)
        self._files[fid].content[:] = content
        if not programmed:
            self.program(0, len(content))

    def select(self, fid: int, under: Callable[[int], bool] = anywhere) -> None:
        """Make current the file `fid`, if it lies `under` the current DF; 6A82 leaves none current."""
        self.current = fid if fid in self._files and under(fid) else None
        if self.current is None:
            raise StatusWord(0x6A82)

    def select_sfi(self, sfi: int, under: Callable[[int], bool] = anywhere) -> None:
        """By short identifier: the five low bits of the file identifier."""
        named = [fid for fid in self._files if under(fid) and _SFI.get(fid, fid & 0x1F) == sfi]
        if not 1 <= sfi <= 30 or len(named) != 1:
            raise StatusWord(0x6A82)
        self.current = named[0]

    def condition(self, fid: int | None = None) -> int:
        """The READ condition of a file that is there, the current one by default (6986 if none is)."""
        return self._current().read if fid is None else self._files[fid].read

    def read(self, offset: int, ne: int) -> bytes:
        """Up to `ne` bytes of the current file; nothing at its end, 6B00 behind it."""
        content = self._current().content
        if offset > len(content):
            raise StatusWord(0x6B00)
        return bytes(content[offset : offset + ne])

    def update(self, offset: int, data: bytes) -> None:
        content = self._current().content
        if offset >= len(content):
            raise StatusWord(0x6B00)
        if offset + len(data) > len(content):
            raise StatusWord(0x6A84)
        content[offset : offset + len(data)] = data
        self.program(offset, len(data))

    def program(self, offset: int, size: int) -> None:
        """Count the pages of these bytes of a file: it begins on one, and each is programmed at once."""
        self.pages_written += (offset + size - 1) // PAGE_BYTES - offset // PAGE_BYTES + 1

    def content(self, fid: int) -> bytes | None:
        """What the card itself finds in a file of its own."""
        return bytes(self._files[fid].content) if fid in self._files else None

    def state(self) -> dict[str, Any]:
        return {
            f"{fid:04X}": {"room": file.room, "read": file.read, "content": bytes(file.content).hex()}
            for fid, file in self._files.items()
        }

    def restore(self, state: dict[str, Any]) -> None:
        for name, each in state.items():
            content = bytearray.fromhex(each["content"])
            self._files[int(name, 16)] = File(int(each["room"]), int(each["read"]), content)

    def _current(self) -> File:
        if self.current is None:
            raise StatusWord(0x6986)
        return self._files[self.current]

    def _free_bytes(self) -> int:
        return self._memory_bytes - sum(file.room for file in self._files.values())
