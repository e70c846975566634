"""The stack a command goes down: secure messaging, then the plain transport, then the link."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from drivers.chip.apdu import (
    CHAINING_CLA,
    EXTENDED_NE,
    SHORT_NC,
    SHORT_NE,
    CommandApdu,
    Ins,
    ResponseApdu,
    Sw,
)
from drivers.chip.errors import MalformedData, refusal

if TYPE_CHECKING:
    from drivers.api import ChipLink

APDU_TIMEOUT_S = 0.5
MOST_PARTS = EXTENDED_NE // SHORT_NE + 2  # of one answer; the first may be empty, the last short


class Processor(Protocol):
    def send(self, command: CommandApdu, timeout_s: float = APDU_TIMEOUT_S) -> ResponseApdu:
        """Carry one command to the card and bring its answer back."""


class Plain:
    """The lowest processor: bytes over a link, with 61xx and 6Cxx followed up, within bounds.

    `timeout_s` holds for each APDU on the link. `apdus` counts them. With `extended` false only short
    APDUs go out: long data as a chain of commands, long answers in parts.
    """

    def __init__(self, link: ChipLink, extended: bool = True) -> None:
        self._link = link
        self.extended = extended
        self.apdus = 0

    def send(self, command: CommandApdu, timeout_s: float = APDU_TIMEOUT_S) -> ResponseApdu:
        if not self.extended:
            return self._send_short(command, timeout_s)
        return self._follow(command, timeout_s)

    def _send_short(self, command: CommandApdu, timeout_s: float) -> ResponseApdu:
        """A chain of short commands (ISO/IEC 7816-4:2020, 5.3.3); an error ends it early."""
        data = command.data
        while len(data) > SHORT_NC:
            link = CommandApdu(command.ins, command.p1, command.p2, data[:SHORT_NC])
            response = self._once(replace(link, cla=command.cla | CHAINING_CLA), timeout_s)
            if response.sw != Sw.OK:
                return response
            data = data[SHORT_NC:]
        last = replace(command, data=data, ne=min(command.ne, SHORT_NE), extended=False)
        return self._follow(last, timeout_s)

    def _follow(self, command: CommandApdu, timeout_s: float) -> ResponseApdu:
        response = self._once(command, timeout_s)
        if response.sw1 == 0x6C and command.ne:  # wrong Le, SW2 tells the exact one
            response = self._once(replace(command, ne=response.sw2 or SHORT_NE), timeout_s)
        return response if response.sw1 != 0x61 else self._rest(command, response, timeout_s)

    def _rest(self, command: CommandApdu, response: ResponseApdu, timeout_s: float) -> ResponseApdu:
        """Fetch what 61xx says is still there (ISO/IEC 7816-4:2020, 5.3.4), to an APDU's bound."""
        data = response.data
        for _ in range(MOST_PARTS):
            if response.sw1 != 0x61:
                return ResponseApdu(data, response.sw)
            more = CommandApdu(Ins.GET_RESPONSE, ne=response.sw2 or SHORT_NE, cla=command.cla & 0x03)
            response = self._once(more, timeout_s)
            data += response.data
            if (not response.data and response.sw1 == 0x61) or len(data) > EXTENDED_NE:
                break
        raise MalformedData("GET RESPONSE: more promised than an APDU can hold, or nothing")

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
