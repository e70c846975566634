"""Card production life cycle data, tag 9F7F: which card this is, said to anybody."""

from __future__ import annotations

from drivers.virtual.card.words import Command, Random, StatusWord

TAG = 0x9F7F

# Fabricator, type, operating system, its release date and level; IC fabrication date (YDDD). Made up.
_CHIP = bytes.fromhex("4D55 0001 4D55 5300 0001 5300")
_BATCH = bytes.fromhex("0001")
# Module fabricator and date, card manufacturer and date, pre-personaliser, date and machine.
_BLANK = bytes.fromhex("4D55 5300 4D55 5300 4D55 5300 00000001")
_PERSONALISER = bytes(8)  # who, when, on which machine: not written


def new_cplc(random: Random) -> bytes:
    """The 42 bytes of a new card; four of them are its serial number."""
    return _CHIP + random(4) + _BATCH + _BLANK + _PERSONALISER


def get_data(command: Command, cplc: bytes) -> bytes:
    """GET DATA of a card that has no object but this. 6A88 for others, 6CXX for too short an Le."""
    if command.p1p2 != TAG:
        raise StatusWord(0x6A88)
    if command.data or not command.ne:
        raise StatusWord(0x6700)
    whole = TAG.to_bytes(2, "big") + bytes((len(cplc),)) + cplc
    if command.ne < len(whole):
        raise StatusWord(0x6C00 | len(whole))
    return whole
