"""Command and response APDUs in all four cases, short and extended (ISO/IEC 7816-3:2006, 12.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self

from drivers.errors import ProtocolError

SHORT_NC, SHORT_NE = 255, 256
EXTENDED_NC, EXTENDED_NE = 65535, 65536
CHAINING_CLA = 0x10  # not the last of a chain (ISO/IEC 7816-4:2020, 5.4.1)
SM_CLA = 0x0C  # secure messaging, header authenticated (ISO/IEC 7816-4:2020, 5.4.1)


class Ins(IntEnum):
    MANAGE_SECURITY_ENVIRONMENT = 0x22  # ISO/IEC 7816-4:2020, 11.5.11; Doc 9303-11, 4.4.4.1
    EXTERNAL_AUTHENTICATE = 0x82  # ISO/IEC 7816-4:2020, 11.5.4; Doc 9303-11, 4.3.4.2
    GET_CHALLENGE = 0x84  # ISO/IEC 7816-4:2020, 11.5.3; Doc 9303-11, 4.3.4.1
    GENERAL_AUTHENTICATE = 0x86  # ISO/IEC 7816-4:2020, 11.5.5; Doc 9303-11, 4.4.4.2
    INTERNAL_AUTHENTICATE = 0x88  # ISO/IEC 7816-4:2020, 11.5.2; Doc 9303-11, 6.1
    SELECT = 0xA4  # ISO/IEC 7816-4:2020, 11.2.2; Doc 9303-10, 3.6.1
    READ_BINARY = 0xB0  # ISO/IEC 7816-4:2020, 11.3.3; Doc 9303-10, 3.6.2
    GET_RESPONSE = 0xC0  # ISO/IEC 7816-4:2020, 5.3.4
    UPDATE_BINARY = 0xD6  # ISO/IEC 7816-4:2020, 11.3.5
    PUT_DATA = 0xDA  # ISO/IEC 7816-4:2020, 11.4
    CREATE_FILE = 0xE0  # ISO/IEC 7816-9


class Sw(IntEnum):
    """Status bytes with their meaning (ISO/IEC 7816-4:2020, 5.6)."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0x9000, "done"
    END_OF_FILE = 0x6282, "end of file reached before reading Ne bytes"
    AUTHENTICATION_FAILED = 0x6300, "no further information: authentication failed"
    WRONG_LENGTH = 0x6700, "wrong length"
    SM_NOT_SUPPORTED = 0x6882, "secure messaging not supported"
    CHAINING_NOT_SUPPORTED = 0x6884, "command chaining not supported"
    SECURITY_STATUS = 0x6982, "security status not satisfied"
    CONDITIONS_OF_USE = 0x6985, "conditions of use not satisfied"
    NO_CURRENT_EF = 0x6986, "command not allowed: no current EF"
    SM_OBJECT_MISSING = 0x6987, "expected secure messaging data object missing"
    SM_OBJECT_INCORRECT = 0x6988, "incorrect secure messaging data object"
    WRONG_DATA = 0x6A80, "incorrect parameters in the command data field"
    NOT_SUPPORTED = 0x6A81, "function not supported"
    FILE_NOT_FOUND = 0x6A82, "file or application not found"
    NO_SPACE = 0x6A84, "not enough memory space in the file"
    WRONG_P1_P2 = 0x6A86, "incorrect parameters P1-P2"
    WRONG_OFFSET = 0x6B00, "wrong parameters P1-P2: offset outside the file"
    REFERENCE_NOT_FOUND = 0x6A88, "referenced data or reference data not found"
    FILE_EXISTS = 0x6A89, "file already exists"
    INS_NOT_SUPPORTED = 0x6D00, "instruction code not supported"
    CLA_NOT_SUPPORTED = 0x6E00, "class not supported"
    NO_DIAGNOSIS = 0x6F00, "no precise diagnosis"


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command; `ne` is the number of bytes wanted at most, 0 for none (then Le is absent).

    Cases 1 to 4 follow from `data` and `ne`; the extended form is taken where the short one cannot
    say it, or when `extended` asks for it.
    """

    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    ne: int = 0
    cla: int = 0
    extended: bool = False

    def __post_init__(self) -> None:
        if len(self.data) > EXTENDED_NC or not 0 <= self.ne <= EXTENDED_NE:
            raise ValueError(f"no APDU carries Nc={len(self.data)}, Ne={self.ne}")

    @property
    def header(self) -> bytes:
        return bytes((self.cla, self.ins, self.p1, self.p2))

    def to_bytes(self) -> bytes:
        if self.extended or len(self.data) > SHORT_NC or self.ne > SHORT_NE:
            return self.header + self._extended_body()
        return self.header + self._short_body()

    def _short_body(self) -> bytes:
        lc = bytes([len(self.data)]) if self.data else b""
        le = bytes([self.ne % SHORT_NE]) if self.ne else b""
        return lc + self.data + le

    def _extended_body(self) -> bytes:
        le = (self.ne % EXTENDED_NE).to_bytes(2, "big") if self.ne else b""
        if self.data:
            return b"\0" + len(self.data).to_bytes(2, "big") + self.data + le
        return b"\0" + le if le else b""


class ResponseApdu(NamedTuple):
    """An answer's data field and its status bytes SW1 SW2 (ISO/IEC 7816-3:2006, 12.1.1)."""

    data: bytes
    sw: int

    @classmethod
    def parse(cls, raw: bytes) -> ResponseApdu:
        """Split data ‖ SW1 SW2. Raises ProtocolError when that cannot be one."""
        if not 2 <= len(raw) <= EXTENDED_NE + 2 or raw[-2] >> 4 not in (6, 9) or raw[-2] == 0x60:
            raise ProtocolError("chip", f"transmit: {len(raw)} bytes are no response APDU")
        return cls(bytes(raw[:-2]), int.from_bytes(raw[-2:], "big"))

    @property
    def sw1(self) -> int:
        return self.sw >> 8

    @property
    def sw2(self) -> int:
        return self.sw & 0xFF
