"""The master file, current after power-on: EF.DIR lists the applications (ISO/IEC 7816-4:2020, 12.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drivers.virtual.card.files import FileSystem
from drivers.virtual.card.words import Command, StatusWord, respond

EF_DIR = 0x2F00


class MasterFile:
    """Made anew with the card from the AIDs on it, so it has no state of its own."""

    kind = "mf"
    pages_written = 0

    def __init__(self, aids: Iterable[bytes]) -> None:
        self._files = FileSystem(memory_bytes=1024)
        directory = b"".join(application_template(aid) for aid in aids)
        if directory:
            self._files.put(EF_DIR, directory)

    def reset(self) -> None:
        self._files.current = None

    def select(self) -> bytes:
        self.reset()
        return b""

    def process(self, command: Command) -> bytes:
        if command.cla != 0x00:
            raise StatusWord(0x6E00)
        if command.ins == 0xA4:
            return self._select_file(command)
        if command.ins == 0xB0:
            return self._read_binary(command)
        raise StatusWord(0x6D00)

    def state(self) -> dict[str, Any]:
        return {}

    def _select_file(self, command: Command) -> bytes:
        if command.p1 not in (0x00, 0x02) or len(command.data) != 2:
            raise StatusWord(0x6A86)
        self._files.select(int.from_bytes(command.data, "big"))
        return respond(b"")

    def _read_binary(self, command: Command) -> bytes:
        if command.data or not command.ne:
            raise StatusWord(0x6700)
        if command.p1 & 0x80:
            raise StatusWord(0x6A86)
        return respond(self._files.read(command.p1p2, command.ne))


def application_template(aid: bytes) -> bytes:
    """Application template 61 with the application identifier 4F."""
    return bytes((0x61, len(aid) + 2, 0x4F, len(aid))) + aid
