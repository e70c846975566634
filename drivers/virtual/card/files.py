"""Transparent elementary files of one DF, with a current file and a bound on memory (ISO/IEC 7816-4)."""

from __future__ import annotations

from typing import Any

from drivers.virtual.card.words import StatusWord

SFI_BITS = 0x1F


class FileSystem:
    def __init__(self, memory_bytes: int = 96 * 1024) -> None:
        self._memory_bytes = memory_bytes
        self._files: dict[int, bytearray] = {}
        self._room: dict[int, int] = {}  # what each file was first created with
        self.current: int | None = None

    def create(self, fid: int, size: int) -> None:
        """Make the file, or clear and shrink it; never more than its first size (6A84)."""
        room = self._room.get(fid)
        if size == 0:
            raise StatusWord(0x6A80)
        if size > (self._free_bytes() if room is None else room):
            raise StatusWord(0x6A84)
        self._room.setdefault(fid, size)
        self._files[fid] = bytearray(size)

    def select(self, fid: int) -> None:
        if fid not in self._files:
            self.current = None
            raise StatusWord(0x6A82)
        self.current = fid

    def select_sfi(self, sfi: int) -> None:
        """By short identifier: the five low bits of the file identifier."""
        named = [fid for fid in self._files if fid & SFI_BITS == sfi]
        if not 1 <= sfi <= 30 or len(named) != 1:
            raise StatusWord(0x6A82)
        self.current = named[0]

    def read(self, offset: int, ne: int) -> bytes:
        """Up to `ne` bytes of the current file; nothing at its end, 6B00 behind it."""
        content = self._current()
        if offset > len(content):
            raise StatusWord(0x6B00)
        return bytes(content[offset : offset + ne])

    def update(self, offset: int, data: bytes) -> None:
        content = self._current()
        if offset >= len(content):
            raise StatusWord(0x6B00)
        if offset + len(data) > len(content):
            raise StatusWord(0x6A84)
        content[offset : offset + len(data)] = data

    def put(self, fid: int, content: bytes) -> None:
        """A file the card was made with."""
        self.create(fid, len(content))
        self._files[fid][:] = content

    def state(self) -> dict[str, Any]:
        return {
            f"{fid:04X}": {"room": self._room[fid], "content": bytes(content).hex()}
            for fid, content in self._files.items()
        }

    def restore(self, state: dict[str, Any]) -> None:
        for name, each in state.items():
            self._files[int(name, 16)] = bytearray.fromhex(each["content"])
            self._room[int(name, 16)] = int(each["room"])

    def _current(self) -> bytearray:
        if self.current is None:
            raise StatusWord(0x6986)
        return self._files[self.current]

    def _free_bytes(self) -> int:
        return self._memory_bytes - sum(self._room.values())
