"""The officer's badge: one application, one EF with the badge's number in ASCII, free to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.virtual.card.files import FileSystem
from drivers.virtual.card.words import Command, StatusWord, respond

AID = bytes.fromhex("F04B494F534B01")
EF_NUMBER = 0x0001


class BadgeApplet:
    kind = "badge"
    pages_written = 0

    def __init__(self, number: str) -> None:
        self._number = number
        self._files = FileSystem(memory_bytes=256)
        self._files.put(EF_NUMBER, number.encode("ascii"))

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
        return {"number": self._number}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> BadgeApplet:
        return cls(str(state["number"]))

    def _select_file(self, command: Command) -> bytes:
        if command.p1 not in (0x00, 0x02) or command.p2 != 0x0C or len(command.data) != 2:
            raise StatusWord(0x6A86)
        self._files.select(int.from_bytes(command.data, "big"))
        return respond(b"")

    def _read_binary(self, command: Command) -> bytes:
        if not command.ne:
            raise StatusWord(0x6700)
        offset = command.p1p2
        if command.p1 & 0x80:
            self._files.select_sfi(command.p1 & 0x1F)
            offset = command.p2
        data = self._files.read(offset, command.ne)
        return respond(data, 0x6282 if len(data) < command.ne < 256 else 0x9000)
