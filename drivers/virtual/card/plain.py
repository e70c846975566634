"""The plain LDS applet: personalised in the clear, then locked for ever, read through BAC.

Its quirks are the real applet's: only short APDUs (6700); DG3 and DG4 are never read (6982); reading
wants BAC from the first day; Le=00 under secure messaging brings nothing and more than DF is 6700.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from drivers.virtual.card.aa import authenticate_rsa
from drivers.virtual.card.chip import Chip, Traits
from drivers.virtual.card.emrtd import Emrtd
from drivers.virtual.card.files import GUARDED, SECURED
from drivers.virtual.card.words import Command, Right, StatusWord, Verb

KIND = "lds-plain"
LARGEST_FILE = 32767
LARGEST_READ = 0xDF
EAC_GUARDED = (0x0103, 0x0104)


class PlainApplet(Emrtd):
    """The eMRTD application with the applet's own ideas of reading."""

    def __init__(self, traits: Traits) -> None:
        super().__init__(KIND, PlainPersonalisation, traits.random, traits.bare_errors)

    def process(self, command: Command) -> bytes:
        if command.extended:
            raise StatusWord(0x6700)
        return super().process(command)

    def _own(self) -> Mapping[int, Verb]:
        return {**super()._own(), 0x0088: partial(authenticate_rsa, self.chip)}

    def _select_file(self, command: Command) -> bytes:
        if self.chip.locked and command.right is Right.NONE:
            raise StatusWord(0x6982)
        return super()._select_file(command)

    def _read_binary(self, command: Command) -> bytes:
        if command.right is Right.NONE:
            raise StatusWord(0x6982)
        return super()._read_binary(command)

    def _read(self, offset: int, command: Command) -> bytes:
        if command.ne == 256:
            return b""
        if not 1 <= command.ne <= LARGEST_READ:
            raise StatusWord(0x6700)
        return self.chip.files.read(offset, command.ne)


class PlainPersonalisation:
    """Anyone may fill the chip until PUT DATA DEAD: no channel, no keys of the issuer."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.outside: Mapping[int, Verb] = {}
        self.inside: Mapping[int, Verb] = {
            0x00D6: self._update_binary,
            0x00DA: self._put_data,
            0x00E0: self._create_file,
        }

    def forget(self) -> None:
        """There is no session."""

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing beside the chip's content."""

    def _update_binary(self, command: Command) -> bytes:
        self._chip.personalising()
        if not command.data or command.p1 & 0x80:
            raise StatusWord(0x6700 if not command.data else 0x6A86)
        self._chip.files.update(command.p1p2, command.data)
        return b""

    def _create_file(self, command: Command) -> bytes:
        self._chip.personalising()
        if command.p1p2 or len(command.data) != 6 or command.data[:2] != b"\x63\x04":
            raise StatusWord(0x6A80)
        size = int.from_bytes(command.data[2:4], "big")
        fid = int.from_bytes(command.data[4:], "big")
        if size > LARGEST_FILE:
            raise StatusWord(0x6A84)
        self._chip.files.create(fid, size, GUARDED if fid in EAC_GUARDED else SECURED)
        return b""

    def _put_data(self, command: Command) -> bytes:
        self._chip.personalising()
        if command.p1p2 == 0xDEAD:
            self._chip.locked = True
        elif command.p1p2 == 0x0062:
            self._chip.set_access(command.data)
        elif command.p1p2 in (0x0060, 0x0061):
            self._chip.rsa[command.p2] = _rsa_half(command.data)
        else:
            raise StatusWord(0x6A88)
        return b""


def _rsa_half(data: bytes) -> bytes:
    """Modulus or exponent of an RSA-1024 key out of `60 00 04 81 80 v`; 6A80 for anything else."""
    if data[:5] != bytes.fromhex("6000048180") or len(data) != 5 + 128:
        raise StatusWord(0x6A80)
    return data[5:]
