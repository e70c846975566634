"""The chip as citizens carry it: no master file to select, files outside the application, PACE.

EF.CardAccess, EF.ATR/INFO and EF.DIR lie outside the application and are free to read (Doc 9303-10, 3.11;
9303-11, 9.2.11). SELECT of the master file answers 6D00, as on the cards in the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from drivers.virtual.card.aa import authenticate_ecdsa
from drivers.virtual.card.ca import ChipAuthentication
from drivers.virtual.card.chip import Chip, Personalisation, Protocol, Traits
from drivers.virtual.card.emrtd import AID, Emrtd
from drivers.virtual.card.files import ALWAYS
from drivers.virtual.card.master import EF_DIR, application_template
from drivers.virtual.card.pace import EF_CARD_ACCESS, Pace
from drivers.virtual.card.words import Command, Right, StatusWord, Verb

EF_ATR_INFO = 0x2F01
OUTSIDE = frozenset({EF_DIR, EF_ATR_INFO, EF_CARD_ACCESS})
MASTER = (b"", b"\x3f\x00")


class FieldChip(Emrtd):
    """The whole operating system of a card, current from power-on. `filled_by` personalises it."""

    def __init__(self, kind: str, filled_by: Callable[[Chip], Personalisation], traits: Traits) -> None:
        super().__init__(kind, filled_by, traits.random, traits.bare_errors)
        self._pace = Pace(self.chip)
        self._chip_authentication = ChipAuthentication(self.chip)
        self.chip.files.put(EF_ATR_INFO, atr_info(traits), ALWAYS)
        self.chip.files.put(EF_DIR, application_template(AID), ALWAYS)

    def _protocols(self) -> tuple[Protocol, ...]:
        return (self._access, self._chip_authentication) if self._inside else (self._pace,)

    def _forget(self) -> None:
        super()._forget()
        self._pace.forget()
        self._chip_authentication.forget()

    def _answer(self, command: Command) -> bytes:
        for protocol in self._protocols():
            if command.code not in protocol.verbs:
                protocol.forget()  # another command came between its steps
        return super()._answer(command)

    def _own(self) -> Mapping[int, Verb]:
        if not self._inside:
            return super()._own()
        return {**super()._own(), 0x0088: partial(authenticate_ecdsa, self.chip)}

    # --- selecting ---

    def _select_file(self, command: Command) -> bytes:
        if command.p1 == 0x04:
            return self._select_secured(command)
        if command.data in MASTER:
            raise StatusWord(0x6D00)
        if command.p1 not in (0x00, 0x02) or command.p2 != 0x0C:
            raise StatusWord(0x6A86)
        if len(command.data) != 2:
            raise StatusWord(0x6700)
        self._demand_selectable(command)
        self.chip.files.select(int.from_bytes(command.data, "big"), partial(self._lies_here, command.right))
        return b""

    def _select_secured(self, command: Command) -> bytes:
        """The application by its name inside the reader's channel, which goes on (9303-11, 4.2)."""
        if command.right is not Right.READER:
            raise StatusWord(0x6985)
        if command.p2 not in (0x00, 0x0C):
            raise StatusWord(0x6A86)
        if command.data != AID:
            raise StatusWord(0x6A82)
        self._enter()
        return b""

    def _demand_selectable(self, command: Command) -> None:
        """In the clear the application does not even say which files there are."""
        fid = int.from_bytes(command.data, "big")
        here = fid in self.chip.files and self._lies_here(command.right, fid)
        free = here and self.chip.files.condition(fid) == ALWAYS
        if self._inside and command.right is Right.NONE and not free:
            self.chip.files.current = None
            raise StatusWord(0x6982)

    def _select_sfi(self, command: Command) -> None:
        try:
            self.chip.files.select_sfi(command.p1 & 0x1F, partial(self._lies_here, command.right))
        except StatusWord as missing:
            silent = self._inside and command.right is Right.NONE
            raise StatusWord(0x6982 if silent else missing.sw) from missing

    def _lies_here(self, right: Right, fid: int) -> bool:
        """Whether it is under the current DF. EF.CardAccess is not; the issuer alone writes it from there."""
        if not self._inside:
            return fid in OUTSIDE
        return fid not in OUTSIDE or (right is Right.ISSUER and fid == EF_CARD_ACCESS)

    # --- reading ---

    def _read(self, offset: int, command: Command) -> bytes:
        """Le of zero bytes is as much as fits; a warning where the file ends before what was asked for."""
        if command.data or not command.ne:
            raise StatusWord(0x6700)
        open_ended = command.ne in (256, 65536)
        wanted = min(command.ne, command.room) if open_ended else command.ne
        if wanted > command.room:
            raise StatusWord(0x6700)
        content = self.chip.files.read(offset, wanted)
        if not content:
            raise StatusWord(0x6B00)
        if len(content) < wanted and not open_ended:
            raise StatusWord(0x6282, content)
        return content


def atr_info(traits: Traits) -> bytes:
    """EF.ATR/INFO: card capabilities 47, and extended length information 7F66 (7816-4, 12.2.2, 12.8.1)."""
    info = b"\x47\x03" + capabilities(traits)
    if traits.extended:
        size = traits.extended.to_bytes(traits.extended.bit_length() // 8 + 1, "big")
        limits = (b"\x02" + bytes((len(size),)) + size) * 2  # command APDU, response APDU
        info += b"\x7f\x66" + bytes((len(limits),)) + limits
    return info


def capabilities(traits: Traits) -> bytes:
    """Selection by name, identifier and SFI; data units of a byte; chaining and extended lengths."""
    third = (0x80 if traits.chaining else 0) | (0x60 if traits.extended else 0)
    return bytes((0x94, 0x21, third))


def answer_to_reset(traits: Traits) -> bytes:
    """The ATR a contactless reader makes of the card's historical bytes (PC/SC part 3, 3.1.3.2.3)."""
    historical = b"\x80\x73" + capabilities(traits)
    atr = bytes((0x80 | len(historical), 0x80, 0x01)) + historical
    check = 0
    for byte in atr:
        check ^= byte
    return b"\x3b" + atr + bytes((check,))
