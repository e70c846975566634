"""Secure messaging of eMRTDs, the chip's side, over any suite of ciphers (Doc 9303-11, 9.8)."""

from __future__ import annotations

from drivers.virtual.card.suites import Suite, fill
from drivers.virtual.card.words import Command, Right, StatusWord, respond

SECURED = 0x0C


class SecureMessaging:
    """One session's counter. A fault in a command raises StatusWord 6987 or 6988: end it."""

    right = Right.READER

    def __init__(self, suite: Suite, counter: int = 0) -> None:
        self._suite = suite
        self._counter = counter

    def covers(self, cla: int) -> bool:
        return cla == SECURED

    def capacity(self, room: int) -> int:
        """What DO 87 holds beside DO 99 and DO 8E: whole blocks, one byte of them padding at least."""
        left = room - 4 - 10 - 2  # DO 99, DO 8E, tag and padding indicator of DO 87
        left -= 1 if left <= 0x80 else 2 if left <= 0x101 else 3
        return max(left // self._suite.block * self._suite.block - 1, 0)

    def open(self, command: Command) -> Command:
        """Check the MAC of a protected command and return what it carries."""
        counter = self._step()
        items = _items(command.data)
        if 0x8E not in items:
            raise StatusWord(0x6987)
        if list(items) not in ([0x8E], [0x87, 0x8E], [0x97, 0x8E], [0x87, 0x97, 0x8E]):
            raise StatusWord(0x6988)
        covered = command.data[: len(command.data) - 2 - len(items[0x8E])]
        header = self._fill(bytes((command.cla, command.ins, command.p1, command.p2)))
        filled = self._fill(covered) if covered else b""
        if self._suite.mac(counter + header + filled) != items[0x8E]:
            raise StatusWord(0x6988)
        data = self._reveal(counter, items[0x87]) if 0x87 in items else b""
        ne, room = _expected(items.get(0x97)), self.capacity(command.room)
        return Command(
            0x00, command.ins, command.p1, command.p2, data, ne, command.extended, self.right, room
        )

    def seal(self, data: bytes, sw: int) -> bytes:
        """The response APDU under secure messaging: [DO 87] DO 99 DO 8E and the status bytes."""
        counter = self._step()
        body = self._conceal(counter, data) + bytes((0x99, 2, sw >> 8, sw & 0xFF))
        return respond(body + b"\x8e\x08" + self._suite.mac(counter + self._fill(body)), sw)

    def _conceal(self, counter: bytes, data: bytes) -> bytes:
        if not data:
            return b""
        value = b"\x01" + self._suite.encipher(counter, self._fill(data))
        size = len(value)
        prefix = b"" if size < 0x80 else b"\x81" if size < 0x100 else b"\x82"
        return b"\x87" + prefix + size.to_bytes(2 if size > 0xFF else 1, "big") + value

    def _reveal(self, counter: bytes, value: bytes) -> bytes:
        block = self._suite.block
        if value[:1] != b"\x01" or len(value) % block != 1 or len(value) == 1:
            raise StatusWord(0x6988)
        clear = self._suite.decipher(counter, value[1:])
        end = clear.rfind(b"\x80")
        if end < len(clear) - block or any(clear[end + 1 :]):
            raise StatusWord(0x6988)
        return clear[:end]

    def _fill(self, data: bytes) -> bytes:
        return fill(data, self._suite.block)

    def _step(self) -> bytes:
        block = self._suite.block
        self._counter = (self._counter + 1) % (1 << 8 * block)
        return self._counter.to_bytes(block, "big")


def _expected(value: bytes | None) -> int:
    if value is None:
        return 0
    if len(value) not in (1, 2):
        raise StatusWord(0x6988)
    return int.from_bytes(value, "big") or 256 ** len(value)


def _items(data: bytes) -> dict[int, bytes]:
    """The data objects of a protected command, in order; one-byte tags, lengths in one to three."""
    items: dict[int, bytes] = {}
    at, end = 0, len(data)
    while at < end:
        tag, size, start = data[at], _byte(data, at + 1), at + 2
        if size in (0x81, 0x82):
            start += size - 0x80
            size = int.from_bytes(data[at + 2 : start])
        at = start + size
        if tag in items or at > end:
            raise StatusWord(0x6988)
        items[tag] = data[start:at]
    return items


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise StatusWord(0x6988)
    return data[at]
