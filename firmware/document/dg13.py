"""DG13 of the Vietnamese card: sixteen numbered items in words (no public standard; as seen on cards).

    6D { SEQUENCE { INTEGER 1, OID 1.0.10646.1.0.8, SET OF SEQUENCE { INTEGER n, value } } }

A value is a UTF8String; item 13 is a SEQUENCE of father and mother, 14 a SEQUENCE of the spouse.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import core

from firmware.document import der
from firmware.document.errors import DataGroupError, NotDerError
from firmware.document.lds import DG_TAGS

VERSION = 1
UTF8 = "1.0.10646.1.0.8"  # ISO/IEC 10646 in UTF-8
PLAIN = {
    1: "number",
    2: "full_name",
    3: "birth_date",
    4: "sex",
    5: "nationality",
    6: "ethnicity",
    7: "religion",
    8: "place_of_origin",
    9: "residence",
    10: "identifying_marks",
    11: "issue_date",
    12: "expiry_date",
    15: "old_number",
}
NESTED = {13: ("father_name", "mother_name"), 14: ("spouse_name",)}
FIELDS = frozenset(PLAIN.values()) | {name for names in NESTED.values() for name in names}
MAX_TEXT = 1024

_DATES = frozenset({"birth_date", "issue_date", "expiry_date"})
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_PRINTED = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_SEX = {"M": "Nam", "F": "Nữ"}
_SEX_BACK = {text: code for code, text in _SEX.items()}


class _Item(core.Sequence):  # type: ignore[misc]
    _fields = [("number", core.Integer), ("value", core.Any)]  # noqa: RUF012 (asn1crypto's form)


class _Items(core.SetOf):  # type: ignore[misc]
    _child_spec = _Item


class _Texts(core.SequenceOf):  # type: ignore[misc]
    _child_spec = core.UTF8String


class _Body(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("encoding", core.ObjectIdentifier),
        ("items", _Items),
    ]


@dataclass(frozen=True, slots=True)
class Dg13:
    """The person's fields that are there, and every item this program does not know, as its DER."""

    subject: Mapping[str, str]
    unknown: Mapping[int, bytes] = field(default_factory=dict)


def encode_dg13(subject: Mapping[str, str], unknown: Mapping[int, bytes] | None = None) -> bytes:
    """DG13 for the fields of `subject` that are not empty; other keys of it are not for the chip.

    Dates and sex stand as the card's face prints them (31/12/1990, Nam, Nữ), text in NFC. `unknown`
    are items kept from a decode. Raises DataGroupError.
    """
    items = {**_values(subject), **{n: core.Asn1Value.load(v) for n, v in (unknown or {}).items()}}
    members = _Items([_Item({"number": n, "value": value}) for n, value in sorted(items.items())])
    body = _Body({"version": VERSION, "encoding": UTF8, "items": members})
    return der.tlv(DG_TAGS[13], body.dump())


def decode_dg13(content: bytes) -> Dg13:
    """The fields of a DG13. Raises DataGroupError."""
    try:
        return _decoded(der.one(content, DG_TAGS[13]).value)
    except (NotDerError, ValueError, TypeError) as exc:
        raise DataGroupError("DG13", str(exc)) from exc


def _values(subject: Mapping[str, str]) -> dict[int, Any]:
    texts = {name: _to_chip(name, subject.get(name, "")) for name in FIELDS}
    values: dict[int, Any] = {n: core.UTF8String(texts[name]) for n, name in PLAIN.items() if texts[name]}
    for n, names in NESTED.items():
        if any(texts[name] for name in names):
            values[n] = _Texts([texts[name] for name in names])
    return values


def _decoded(body: bytes) -> Dg13:
    der.check_strict(body)
    parsed = _Body.load(body, strict=True)
    if parsed["version"].native != VERSION or parsed["encoding"].native != UTF8:
        raise DataGroupError("DG13", "another version or encoding")
    subject: dict[str, str] = {}
    unknown: dict[int, bytes] = {}
    seen: set[int] = set()
    for item in parsed["items"]:
        n, value = item["number"].native, item["value"]
        if n in seen:
            raise DataGroupError("DG13", f"item {n} twice")
        seen.add(n)
        names = NESTED.get(n) or ((PLAIN[n],) if n in PLAIN else ())
        if not names:
            unknown[n] = value.dump()
            continue
        texts = value.parse(_Texts).native if n in NESTED else [_text(value)]
        if len(texts) > len(names):
            raise DataGroupError("DG13", f"item {n} has {len(texts)} texts")
        pairs = zip(names, texts, strict=False)
        subject.update({name: _from_chip(name, text) for name, text in pairs if text})
    return Dg13(subject, unknown)


def _text(value: Any) -> str:
    parsed = value.parse()
    text = parsed.native if isinstance(parsed, core.AbstractString) else None
    if not isinstance(text, str):  # a time is an AbstractString too
        raise DataGroupError("DG13", "a value that is no text")
    return text


def _to_chip(name: str, text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if len(text) > MAX_TEXT:
        raise DataGroupError("DG13", f"{name}: {len(text)} characters, allowed {MAX_TEXT}")
    if name in _DATES:
        return _ISO.sub(r"\3/\2/\1", text)
    return _SEX.get(text, text) if name == "sex" else text


def _from_chip(name: str, text: str) -> str:
    if name in _DATES:
        return _PRINTED.sub(r"\3-\2-\1", text)
    return _SEX_BACK.get(text, text) if name == "sex" else text
