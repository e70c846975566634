"""The biometric templates of DG2 and DG3 (Doc 9303-10, 4.7.2; ISO/IEC 7816-11, annex C).

7F61 { 02 count, 7F60 { A1 { [81 type] [82 subtype] 83 created, 87 owner, 88 format }, 5F2E record } … }
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from firmware.document import der
from firmware.document.errors import DataGroupError, NotDerError
from firmware.document.lds import DG_TAGS

MAX_TEMPLATES = 32
OWNER = b"\x01\x01"  # ISO/IEC JTC 1/SC 37


class _T(IntEnum):
    """Tags of the biometric information template (Doc 9303-10, table 48)."""

    GROUP = 0x7F61
    COUNT = 0x02
    TEMPLATE = 0x7F60
    HEADER = 0xA1
    TYPE = 0x81
    SUBTYPE = 0x82
    CREATED = 0x83
    FORMAT_OWNER = 0x87
    FORMAT_TYPE = 0x88
    RECORD = 0x5F2E


class Format(IntEnum):
    """Biometric data block formats of SC 37."""

    FINGER_IMAGE = 0x0007
    FACE_IMAGE = 0x0008


@dataclass(frozen=True, slots=True)
class Template:
    """One record with its header. `kind` and `subtype` are CBEFF's bytes, None where they do not stand."""

    record: bytes
    created: datetime | None = None  # aware; kept to the second
    kind: int | None = None
    subtype: int | None = None


def encode(number: int, form: Format, templates: Sequence[Template]) -> bytes:
    """The data group `number` with these templates, in their order. Raises DataGroupError for too many."""
    if not 0 < len(templates) <= MAX_TEMPLATES:
        raise DataGroupError(f"DG{number}", f"{len(templates)} templates")
    body = b"".join(der.tlv(_T.TEMPLATE, _template(form, each)) for each in templates)
    group = der.tlv(_T.COUNT, bytes([len(templates)])) + body
    return der.tlv(DG_TAGS[number], der.tlv(_T.GROUP, group))


def decode(number: int, form: Format, content: bytes) -> list[Template]:
    """The templates of the data group `number`, each of format `form`. Raises DataGroupError."""
    try:
        group = der.one(der.one(content, DG_TAGS[number]).value, _T.GROUP).value
        count, *found = der.many(group, MAX_TEMPLATES + 1)
        if count.tag != _T.COUNT or count.value != bytes([len(found)]):
            raise DataGroupError(f"DG{number}", "more or fewer templates than are counted")
        if any(each.tag != _T.TEMPLATE for each in found):
            raise DataGroupError(f"DG{number}", "something else than templates")
        return [_read(number, form, each.value) for each in found]
    except (NotDerError, ValueError) as exc:
        raise DataGroupError(f"DG{number}", str(exc)) from exc


def _template(form: Format, template: Template) -> bytes:
    header = [
        (_T.TYPE, None if template.kind is None else bytes([template.kind])),
        (_T.SUBTYPE, None if template.subtype is None else bytes([template.subtype])),
        (_T.CREATED, None if template.created is None else _moment(template.created)),
        (_T.FORMAT_OWNER, OWNER),
        (_T.FORMAT_TYPE, form.to_bytes(2, "big")),
    ]
    fields = b"".join(der.tlv(tag, value) for tag, value in header if value is not None)
    return der.tlv(_T.HEADER, fields) + der.tlv(_T.RECORD, template.record)


def _read(number: int, form: Format, value: bytes) -> Template:
    header, record = der.parts(value, _T.HEADER, _T.RECORD)
    listed = der.many(header)
    fields = {field.tag: field.value for field in listed}
    if len(fields) != len(listed):
        raise DataGroupError(f"DG{number}", "a field of the header twice")
    if (fields.get(_T.FORMAT_OWNER), fields.get(_T.FORMAT_TYPE)) != (OWNER, form.to_bytes(2, "big")):
        raise DataGroupError(f"DG{number}", f"not a record of the format {form:04X}")
    created = fields.get(_T.CREATED)
    return Template(
        record,
        None if created is None else _created(number, created),
        _byte(number, fields.get(_T.TYPE)),
        _byte(number, fields.get(_T.SUBTYPE)),
    )


def _byte(number: int, value: bytes | None) -> int | None:
    if value is None:
        return None
    if len(value) != 1:
        raise DataGroupError(f"DG{number}", "a type or subtype that is not one byte")
    return value[0]


def _moment(at: datetime) -> bytes:
    return bytes.fromhex(at.astimezone(UTC).strftime("%Y%m%d%H%M%S"))


def _created(number: int, value: bytes) -> datetime:
    try:
        return datetime.strptime(value.hex(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as exc:
        raise DataGroupError(f"DG{number}", "a creation time that is none") from exc
