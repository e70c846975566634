"""Cards that lie, stall and overflow; what a terminal must survive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu

Answer = Callable[[bytes], bytes]


@dataclass
class Link:
    """A `ChipLink` to whatever `answer` makes of a command; counts, and holds what came at most."""

    answer: Answer
    apdus: int = 0
    most: int = 1_000_000
    longest: int = field(default=0)

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        assert timeout_s > 0, "asked without time left"
        self.apdus += 1
        assert self.apdus <= self.most, "the terminal does not stop asking"
        return self.answer(apdu)


class Channel:
    """Stands for a channel whose card has the keys: what is inside the messages is the card's own."""

    def __init__(self, answer: Callable[[CommandApdu], ResponseApdu], most: int = 1_000_000) -> None:
        self._answer = answer
        self._most = most
        self.apdus = 0
        self.alive = True

    def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
        self.apdus += 1
        assert self.apdus <= self._most, "the terminal does not stop asking"
        if command.ins == Ins.SELECT:
            return ResponseApdu(b"", 0x9000)
        return self._answer(command)


def offset(command: CommandApdu) -> int:
    return command.p1 << 8 | command.p2


def holding(content: bytes, most_at_once: int = 0xDF) -> Callable[[CommandApdu], ResponseApdu]:
    """READ BINARY of one file; never more than `most_at_once` bytes in an answer."""

    def read(command: CommandApdu) -> ResponseApdu:
        at = offset(command)
        return ResponseApdu(content[at : at + min(command.ne, most_at_once)], 0x9000)

    return read


def after(count: int, first: Answer, then: Answer) -> Answer:
    """`first` for so many commands, then `then`."""
    left = iter(range(count))

    def answer(apdu: bytes) -> bytes:
        return (first if next(left, None) is not None else then)(apdu)

    return answer


def in_turn(answers: Iterator[bytes]) -> Answer:
    return lambda _: next(answers)
