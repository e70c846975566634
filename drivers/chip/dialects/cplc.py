"""Card production life cycle data: the identifier that most cards give to anybody (GlobalPlatform, H.6)."""

from __future__ import annotations

from drivers.chip import tlv
from drivers.chip.apdu import SHORT_NE, CommandApdu
from drivers.chip.errors import MalformedData
from drivers.chip.processor import Processor, demand
from drivers.chip.scp03 import GP_CLA

GET_DATA = 0xCA  # GlobalPlatform 2.3.1, 11.3
TAG = 0x9F7F
SIZE = 42
FABRICATOR_AND_TYPE = slice(0, 4)
DATE_SERIAL_BATCH = slice(10, 18)  # of the chip's fabrication
SERIAL = slice(12, 16)
NO_SERIALS = (bytes(4), b"\xff" * 4)  # what a maker leaves who gives none


def read_serial(plain: Processor, timeout_s: float) -> str | None:
    """Fabricator, type, date, serial number and batch of the chip, in hex; None where it has no serial.

    Asked for in the clear, in any state. Raises CardRefused for a card without, MalformedData.
    """
    command = CommandApdu(GET_DATA, TAG >> 8, TAG & 0xFF, ne=SHORT_NE, cla=GP_CLA)
    objects = tlv.parse(demand(plain, command, "GET DATA CPLC", timeout_s))
    if [(each.tag, len(each.value)) for each in objects] != [(TAG, SIZE)]:
        raise MalformedData("GET DATA CPLC: not one object of 42 bytes")
    value = objects[0].value
    if value[SERIAL] in NO_SERIALS:
        return None
    return (value[FABRICATOR_AND_TYPE] + value[DATE_SERIAL_BATCH]).hex().upper()
