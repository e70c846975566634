"""Which files a chip holds, and what EF.COM says of them (Doc 9303-10, 3.9 and 4.6.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from firmware.document import der
from firmware.document.errors import DataGroupError, NotDerError

LDS_1_7, LDS_1_8 = "0107", "0108"
UNICODE_VERSION = "040000"


class Fid(IntEnum):
    """File identifiers of the eMRTD application, and EF.CardAccess beside it (Doc 9303-10, table 38)."""

    DG1 = 0x0101
    DG2 = 0x0102
    DG3 = 0x0103
    DG13 = 0x010D
    DG14 = 0x010E
    DG15 = 0x010F
    CARD_ACCESS = 0x011C
    SOD = 0x011D
    COM = 0x011E


class Tag(IntEnum):
    """Outermost tags of the files (Doc 9303-10, table 38) and of EF.COM's fields."""

    COM = 0x60
    SOD = 0x77
    LDS_VERSION = 0x5F01
    UNICODE_VERSION = 0x5F36
    TAG_LIST = 0x5C


DG_TAGS = dict(
    enumerate(
        (0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68,
         0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70),
        start=1,
    )
)  # fmt: skip
DG_NUMBERS = {tag: number for number, tag in DG_TAGS.items()}


def dg_fid(number: int) -> int:
    """The file identifier of a data group, 1..16."""
    return 0x0100 + number


def dg_number(fid: int) -> int | None:
    """The data group a file identifier stands for; None for EF.COM, EF.SOD, EF.CardAccess and the rest."""
    number = fid - 0x0100
    return number if number in DG_TAGS else None


@dataclass(frozen=True, slots=True)
class Com:
    """EF.COM: versions as their digits, and the tags of the data groups that are there."""

    lds_version: str
    unicode_version: str
    tags: tuple[int, ...]


def encode_com(tags: Iterable[int], lds_version: str = LDS_1_7) -> bytes:
    """EF.COM for these data-group tags: LDS 1.7 or 1.8, Unicode 4.0.0. Raises DataGroupError."""
    if lds_version not in (LDS_1_7, LDS_1_8):
        raise DataGroupError("EF.COM", f"LDS {lds_version} is not written here")
    wanted = sorted(set(tags), key=lambda tag: DG_NUMBERS.get(tag, 0))
    if not wanted or any(tag not in DG_NUMBERS for tag in wanted):
        raise DataGroupError("EF.COM", "not tags of data groups")
    return der.tlv(
        Tag.COM,
        der.tlv(Tag.LDS_VERSION, lds_version.encode())
        + der.tlv(Tag.UNICODE_VERSION, UNICODE_VERSION.encode())
        + der.tlv(Tag.TAG_LIST, bytes(wanted)),
    )


def decode_com(content: bytes) -> Com:
    """What EF.COM says. Raises DataGroupError."""
    try:
        body = der.one(content, Tag.COM).value
        lds, unicode, tags = der.parts(body, Tag.LDS_VERSION, Tag.UNICODE_VERSION, Tag.TAG_LIST)
    except NotDerError as exc:
        raise DataGroupError("EF.COM", str(exc)) from exc
    versions_ok = (len(lds), len(unicode)) == (4, 6) and (lds + unicode).isdigit()
    if not versions_ok or any(tag not in DG_NUMBERS for tag in tags) or len(set(tags)) != len(tags):
        raise DataGroupError("EF.COM", "versions or tags that do not exist")
    return Com(lds.decode("ascii"), unicode.decode("ascii"), tuple(tags))
