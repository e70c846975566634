"""What a card understands of a command APDU, and how it says no (ISO/IEC 7816-3:2006, 12.1; 7816-4).

Written from the standards for the card's side alone: it shares no code with `drivers.chip`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

Random = Callable[[int], bytes]

UNLIMITED = 65544  # the longest APDU there is


class StatusWord(Exception):
    """The card's program ends the command with these status bytes; a warning may bring data along."""

    def __init__(self, sw: int, data: bytes = b"") -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw
        self.data = data

    @property
    def is_warning(self) -> bool:
        return self.sw >> 8 in (0x62, 0x63)


class Right(IntEnum):
    """What the channel of a command has proven about who sends it."""

    NONE = 0  # it came in the clear
    READER = 1  # BAC or PACE: knows what is printed on the document
    ISSUER = 2  # the personalisation's secure channel


class Command(NamedTuple):
    """A parsed command as it is inside any channel: CLA without the bits of secure messaging.

    `ne` is 0 when Le is absent; `room` is the longest response data field that fits on the wire.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int
    extended: bool
    right: Right = Right.NONE
    room: int = 256

    @property
    def code(self) -> int:
        """CLA and INS in one number: what tables of verbs are kept by."""
        return self.cla << 8 | self.ins

    @property
    def p1p2(self) -> int:
        return self.p1 << 8 | self.p2


Verb = Callable[[Command], bytes]  # returns response data, or raises StatusWord


class Program(Protocol):
    """An application on the card. `state` is what survives a power cycle, as JSON values."""

    @property
    def kind(self) -> str: ...

    @property
    def pages_written(self) -> int:
        """Pages of memory programmed since it was made."""

    def reset(self) -> None:
        """The card was powered: forget what was volatile, no application is selected."""

    def select(self) -> bytes:
        """Become the current application, forgetting what was volatile; return the FCI or nothing."""

    def process(self, command: Command) -> bytes:
        """Answer one command with the whole response APDU, or raise StatusWord."""

    def state(self) -> dict[str, Any]: ...


def parse(apdu: bytes, largest: int = UNLIMITED) -> Command:
    """All seven forms of a command APDU, extended ones up to `largest` bytes either way.

    Raises StatusWord(6700) for any other.
    """
    if len(apdu) < 4:
        raise StatusWord(0x6700)
    cla, ins, p1, p2 = apdu[:4]
    data, ne, extended = _body(apdu[4:])
    if extended and len(apdu) > largest:
        raise StatusWord(0x6700)
    most = largest - 2 if extended else 256  # beside the status bytes
    return Command(cla, ins, p1, p2, data, ne, extended, Right.NONE, min(ne or most, most))


def respond(data: bytes, sw: int = 0x9000) -> bytes:
    return data + bytes((sw >> 8, sw & 0xFF))


def _body(body: bytes) -> tuple[bytes, int, bool]:
    if not body:  # case 1
        return b"", 0, False
    if len(body) == 1:  # case 2S
        return b"", body[0] or 256, False
    if body[0]:  # cases 3S, 4S
        return *_data_and_le(body[1:], body[0], le_size=1), False
    if len(body) == 3:  # case 2E
        return b"", int.from_bytes(body[1:], "big") or 65536, True
    nc = int.from_bytes(body[1:3], "big")  # cases 3E, 4E
    if not nc:
        raise StatusWord(0x6700)
    return *_data_and_le(body[3:], nc, le_size=2), True


def _data_and_le(rest: bytes, nc: int, le_size: int) -> tuple[bytes, int]:
    data, le = rest[:nc], rest[nc:]
    if len(data) != nc or len(le) not in (0, le_size):
        raise StatusWord(0x6700)
    return data, (int.from_bytes(le, "big") or 256**le_size) if le else 0
