"""The data groups of the card, each with its encoder and decoder (Doc 9303-10, 4.7)."""

from __future__ import annotations

from firmware.document import der
from firmware.document.dg13 import Dg13, decode_dg13, encode_dg13
from firmware.document.errors import DataGroupError, MrzError, NotDerError
from firmware.document.face import Portrait, decode_dg2, encode_dg2
from firmware.document.fingers import Finger, decode_dg3, encode_dg3
from firmware.document.lds import DG_TAGS, Com, decode_com, encode_com
from firmware.document.mrz import parse
from firmware.document.security import (
    decode_card_access,
    decode_dg14,
    decode_dg15,
    encode_card_access,
    encode_dg14,
    encode_dg15,
)

__all__ = [
    "Com",
    "Dg13",
    "Finger",
    "Portrait",
    "decode_card_access",
    "decode_com",
    "decode_dg1",
    "decode_dg2",
    "decode_dg3",
    "decode_dg13",
    "decode_dg14",
    "decode_dg15",
    "encode_card_access",
    "encode_com",
    "encode_dg1",
    "encode_dg2",
    "encode_dg3",
    "encode_dg13",
    "encode_dg14",
    "encode_dg15",
]

_MRZ = 0x5F1F


def encode_dg1(mrz: str) -> bytes:
    """DG1 around the 90 characters of a TD1 zone. Raises MrzError if its check digits do not hold."""
    parse(mrz)
    return der.tlv(DG_TAGS[1], der.tlv(_MRZ, mrz.encode("ascii")))


def decode_dg1(content: bytes) -> str:
    """The 90 characters of DG1. Raises DataGroupError."""
    try:
        zone = der.one(der.one(content, DG_TAGS[1]).value, _MRZ).value.decode("ascii")
        parse(zone)
    except (NotDerError, MrzError, UnicodeDecodeError) as exc:
        raise DataGroupError("DG1", str(exc)) from exc
    return zone
