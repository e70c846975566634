"""How long an APDU may be, and commands that come in links of a chain (ISO/IEC 7816-4:2020, 5.3.3, 12.8)."""

from __future__ import annotations

from drivers.virtual.card.words import UNLIMITED, Command, StatusWord, parse

CHAIN_BYTES = 4096  # what a card keeps of a chain
CHAINED = 0x10
GENERAL_AUTHENTICATE = 0x86  # its chains are steps of a protocol: each link is answered (7816-4, 11.5.5)


class Transport:
    """`largest`: bytes of an extended APDU, either way; 0 for short APDUs only.

    Without `chaining` the bit in CLA is left to the application, which knows no such class.
    """

    def __init__(self, largest: int = UNLIMITED, chaining: bool = False) -> None:
        self.largest = largest
        self.chaining = chaining
        self._chain: list[Command] = []

    def reset(self) -> None:
        self._chain.clear()

    def take(self, apdu: bytes) -> Command | None:
        """The command, whole; None for a link that others follow. StatusWord ends any chain."""
        chain, self._chain = self._chain, []
        command = parse(apdu, self.largest)
        if not self.chaining or command.cla & 0xE0 or command.ins == GENERAL_AUTHENTICATE:
            return self._alone(command, chain)
        if not chain and not command.cla & CHAINED:
            return command
        link = command._replace(cla=command.cla & ~CHAINED)
        if chain and _kind(link) != _kind(chain[0]):
            raise StatusWord(0x6883)  # the last command of the chain was expected
        chain.append(link)
        data = b"".join(each.data for each in chain)
        if len(chain) > 1 and len(data) > CHAIN_BYTES:
            raise StatusWord(0x6700)
        if command.cla & CHAINED:
            self._chain = chain
            return None
        return link._replace(data=data)

    def _alone(self, command: Command, chain: list[Command]) -> Command:
        if chain:
            raise StatusWord(0x6883)
        return command


def _kind(link: Command) -> tuple[int, int, int, int]:
    return link.cla, link.ins, link.p1, link.p2
