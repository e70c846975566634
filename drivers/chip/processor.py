"""The stack a command goes down: secure messaging, then the plain transport, then the link."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from drivers.chip.apdu import EXTENDED_NE, CommandApdu, Ins, ResponseApdu, Sw
from drivers.chip.errors import MalformedData, refusal

if TYPE_CHECKING:
    from drivers.api import ChipLink

APDU_TIMEOUT_S = 0.5


class Processor(Protocol):
    def send(self, command: CommandApdu, timeout_s: float = APDU_TIMEOUT_S) -> ResponseApdu:
        """Carry one command to the card and bring its answer back."""


class Plain:
    """The lowest processor: bytes over a link, with 61xx and 6Cxx followed up.

    `timeout_s` holds for each APDU on the link. `apdus` counts them.
    """

    def __init__(self, link: ChipLink) -> None:
        self._link = link
        self.apdus = 0

    def send(self, command: CommandApdu, timeout_s: float = APDU_TIMEOUT_S) -> ResponseApdu:
        response = self._once(command, timeout_s)
        if response.sw1 == 0x6C and command.ne:  # wrong Le, SW2 tells the exact one
            response = self._once(replace(command, ne=response.sw2 or 256), timeout_s)
        return self._rest(command, response, timeout_s)

    def _rest(self, command: CommandApdu, response: ResponseApdu, timeout_s: float) -> ResponseApdu:
        """Fetch what 61xx says is still there (ISO/IEC 7816-4:2020, 5.3.4), to an APDU's bound."""
        data = response.data
        while response.sw1 == 0x61:
            more = CommandApdu(Ins.GET_RESPONSE, ne=response.sw2 or 256, cla=command.cla & 0x03)
            response = self._once(more, timeout_s)
            data += response.data
            if (not response.data and response.sw1 == 0x61) or len(data) > EXTENDED_NE:
                raise MalformedData("GET RESPONSE: more promised than an APDU can hold, or nothing")
        return ResponseApdu(data, response.sw)

    def _once(self, command: CommandApdu, timeout_s: float) -> ResponseApdu:
        self.apdus += 1
        return ResponseApdu.parse(self._link.transmit(command.to_bytes(), timeout_s))


def demand(
    processor: Processor, command: CommandApdu, doing: str, timeout_s: float = APDU_TIMEOUT_S
) -> bytes:
    """Send and return the data of a 9000; any other answer raises its typed CardRefused."""
    response = processor.send(command, timeout_s)
    if response.sw != Sw.OK:
        raise refusal(doing, response.sw)
    return response.data
