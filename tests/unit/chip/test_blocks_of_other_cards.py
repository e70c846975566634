"""Block sizes on cards and readers that answer too large a READ BINARY in their own way, or not at all."""

from __future__ import annotations

import pytest

from drivers.chip.apdu import CommandApdu, Ins, ResponseApdu
from drivers.chip.blocks import Blocks, ladder
from drivers.chip.errors import SecureMessagingError
from drivers.chip.lds import LdsFiles

CONTENT = b"\x6d\x82\x07\xd0" + bytes(2000)
DG13 = 0x010D


class Bare:
    """A channel to one file. A block over `most`, or behind the end, gets a bare status and ends it."""

    protocol = "BAC"

    def __init__(self, sw: int, most: int = 0xDF) -> None:
        self._sw, self._most = sw, most
        self.alive = True

    def send(self, command: CommandApdu, timeout_s: float = 0.5) -> ResponseApdu:
        if not self.alive:
            raise SecureMessagingError("the secure channel has ended")
        if command.ins == Ins.SELECT:
            return ResponseApdu(b"", 0x9000)
        at = command.p1 << 8 | command.p2
        if command.ne > self._most or at >= len(CONTENT):
            self.alive = False
            return ResponseApdu(b"", self._sw)
        return ResponseApdu(CONTENT[at : at + command.ne], 0x9000)


def bare(sw: int) -> tuple[LdsFiles, list[int]]:
    openings: list[int] = []
    return LdsFiles(lambda: openings.append(1) or Bare(sw), Blocks(ladder(975))), openings  # type: ignore


@pytest.mark.parametrize("sw", [0x6B00, 0x6282, 0x6700, 0x6C00])
def test_a_bare_refusal_of_a_block_ends_the_channel_and_the_file_is_read_on_in_smaller_ones(sw: int) -> None:
    files, openings = bare(sw)
    assert files.read_object(DG13) == CONTENT
    assert len(openings) <= 5


@pytest.mark.parametrize("sw", [0x6B00, 0x6282])
def test_a_file_that_ends_with_a_bare_status_is_read_to_its_end(sw: int) -> None:
    files, openings = bare(sw)
    assert files.read(DG13, len(CONTENT) + 50, lambda _: None) == CONTENT
    assert len(openings) <= 9
