"""A transcript as people and files may have it: headers, structure, lengths and status words, no content.

`[24]` stands for 24 bytes that are not shown. Everything is masked but what this module names: what is
selected or created, the algorithm that is agreed upon, files that tell of a type of card and not of a person,
and the outer objects of secure messaging.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from drivers.chip import tlv
from drivers.chip.apdu import Ins
from drivers.chip.errors import MalformedData, meaning
from drivers.chip.transcript import Event, Sort

SECURE = 0x0C  # ISO/IEC 7816-4:2020, 5.4.1
PROPRIETARY_SECURE = 0x04  # GlobalPlatform 2.3.1, 11.1.4
TYPE_LEVEL = frozenset({0x011C, 0x2F00, 0x2F01})  # EF.CardAccess, EF.DIR, EF.ATR/INFO
SHOWN_UNDER_SM = frozenset({0x97, 0x99})  # Le, status
SHOWN_IN_MSE = frozenset({0x80, 0x83, 0x84})  # mechanism, which password, which key
_GENERAL_AUTHENTICATE, _READ_BINARY, _READ_BINARY_ODD = 0x86, 0xB0, 0xB1
_NAMES = {
    0x22: "MANAGE SECURITY ENVIRONMENT",
    0x50: "INITIALIZE UPDATE",
    _GENERAL_AUTHENTICATE: "GENERAL AUTHENTICATE",
    _READ_BINARY_ODD: "READ BINARY",
    0xCA: "GET DATA",
    0xE2: "STORE DATA",
    0xF0: "SET STATUS",
} | {each.value: each.name.replace("_", " ") for each in Ins}


class Parts(NamedTuple):
    """A command APDU taken apart; `lc` and `le` are their fields as sent, empty where absent."""

    header: bytes
    lc: bytes
    data: bytes
    le: bytes


def split(apdu: bytes) -> Parts:
    """Take a command apart (ISO/IEC 7816-3:2006, 12.1.3); what is no APDU is all header and data."""
    header, body = apdu[:4], apdu[4:]
    if len(body) in (0, 1):
        return Parts(header, b"", b"", body)
    if body[0]:
        return _parts(header, body, 1, body[0], apdu)
    if len(body) == 3:
        return Parts(header, b"", b"", body)
    return _parts(header, body, 3, int.from_bytes(body[1:3], "big"), apdu)


def _parts(header: bytes, body: bytes, lc_size: int, length: int, apdu: bytes) -> Parts:
    end = lc_size + length
    if not 0 <= len(body) - end <= lc_size:
        return Parts(apdu[:4], b"", body, b"")
    return Parts(header, body[:lc_size], body[lc_size:end], body[end:])


def masked(events: Iterable[Event]) -> Iterator[str]:
    """The lines of a transcript without keys, cryptograms, nonces or anything of a person."""
    mask = _Mask()
    for event in events:
        match event.sort:
            case Sort.RESET:
                yield f"= {_hex(event.data)}  reset"
                mask = _Mask()
            case Sort.COMMAND:
                yield mask.command(event.data)
            case Sort.ANSWER:
                yield mask.answer(event.data)
            case Sort.ERROR:
                yield event.line()
            case Sort.DREW:
                continue  # a nonce, or a private key


class _Mask:
    """Follows a session: which answer belongs to which command, and which file is selected."""

    def __init__(self) -> None:
        self._asked = Parts(b"", b"", b"", b"")
        self._file: int | None = None

    def command(self, apdu: bytes) -> str:
        self._asked = parts = split(apdu)
        if _secured(parts.header):
            self._file = None
        elif parts.header[1:2] == bytes([Ins.SELECT]):
            named = parts.header[2:3] != b"\x04" and len(parts.data) == 2
            self._file = int.from_bytes(parts.data, "big") if named else None
        fields = (_hex(parts.header), _hex(parts.lc), self._sent(parts), _hex(parts.le))
        name = _NAMES.get(parts.header[1], "") if len(parts.header) == 4 else "no APDU"
        return f"> {' '.join(each for each in fields if each)}  {name}".rstrip()

    def answer(self, raw: bytes) -> str:
        if len(raw) < 2:
            return f"< {_hidden(raw)}  no answer"
        data, sw = raw[:-2], int.from_bytes(raw[-2:], "big")
        shown = [each for each in (self._came(data), f"{sw:04X}") if each]
        return f"< {' '.join(shown)}  {meaning(sw)}"

    def _sent(self, parts: Parts) -> str:
        header, data = parts.header, parts.data
        if len(header) < 4:
            return _hidden(data)
        if _secured(header):
            return _outline(data, SHOWN_UNDER_SM) if header[0] & SECURE == SECURE else _hidden(data)
        match header[1]:
            case Ins.SELECT | Ins.CREATE_FILE:
                return _hex(data)
            case 0x22:  # control reference template
                return _outline(data, SHOWN_IN_MSE)
            case 0x86:  # dynamic authentication data
                return _outline(data, frozenset())
            case _:
                return _hidden(data)

    def _came(self, data: bytes) -> str:
        header = self._asked.header
        if len(header) < 4:
            return _hidden(data)
        if header[0] & SECURE == SECURE:
            return _outline(data, SHOWN_UNDER_SM)
        if header[1] == _GENERAL_AUTHENTICATE:
            return _outline(data, frozenset())
        if not _secured(header) and self._reads_type_level(header):
            return _hex(data)
        return _hidden(data)

    def _reads_type_level(self, header: bytes) -> bool:
        if header[1] == _READ_BINARY and header[2] & 0x80:
            return header[2] & 0x1F == 0x1C  # the short identifier of EF.CardAccess
        return header[1] in (_READ_BINARY, _READ_BINARY_ODD) and self._file in TYPE_LEVEL


def _secured(header: bytes) -> bool:
    cla = header[0] if header else 0
    return bool(cla & SECURE) if not cla & 0x80 else bool(cla & PROPRIETARY_SECURE)


def _outline(data: bytes, shown: frozenset[int]) -> str:
    """Tags and lengths of a run of objects, and the values of `shown`; no object's inside."""
    try:
        objects = tlv.parse(data, der=False)
    except MalformedData:
        return _hidden(data)
    return " ".join(
        f"{each.tag:02X}:{_hex(each.value) if each.tag in shown else _hidden(each.value)}" for each in objects
    )


def _hidden(data: bytes) -> str:
    return f"[{len(data)}]" if data else ""


def _hex(data: bytes) -> str:
    return data.hex().upper()
