"""The machine readable zone of the Vietnamese card: TD1, three lines of thirty (Doc 9303-5, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from firmware.document.errors import MrzError
from firmware.document.names import FILLER, name_field

LINE = 30
LENGTH = 3 * LINE
HEAD = "IDVNM"
STATE = "VNM"
NO_EXPIRY = "991231"  # what cards without an end date carry, as seen; not confirmed by a public source

_NUMBER = re.compile(r"[0-9]{12}")
_ALPHABET = re.compile(r"[A-Z0-9<]{90}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEIGHTS = (7, 3, 1)


@dataclass(frozen=True, slots=True)
class BacKeys:
    """The fields that open the chip under BAC, without check digits (Doc 9303-11, 4.3)."""

    document_number: str  # 9 characters
    birth: str  # YYMMDD
    expiry: str  # YYMMDD


@dataclass(frozen=True, slots=True)
class Mrz:
    """The fields of a TD1 zone whose check digits hold; fillers of the name stand as they are."""

    document_number: str
    number: str  # the 12-digit personal number of the optional data
    birth: str
    sex: str
    expiry: str
    nationality: str
    name: str


def check_digit(field: str) -> str:
    """The check digit of `field`: weights 7, 3, 1, modulo 10 (Doc 9303-3, 4.9)."""
    total = sum(_value(ch) * _WEIGHTS[i % 3] for i, ch in enumerate(field))
    return str(total % 10)


def td1(subject: Mapping[str, str]) -> str:
    """The 90 characters for `subject` (number, full_name, birth_date, sex, expiry_date or "").

    Raises MrzError when a field cannot stand in a zone.
    """
    number = subject.get("number", "")
    if not _NUMBER.fullmatch(number):
        raise MrzError("number", "12 digits are needed")
    birth = _yymmdd("birth_date", subject.get("birth_date", ""))
    expiry = subject.get("expiry_date", "")
    ends = _yymmdd("expiry_date", expiry) if expiry else NO_EXPIRY
    sex = subject.get("sex", "")
    if sex not in ("M", "F"):
        raise MrzError("sex", "M or F")
    document = number[-9:]
    optional = number + FILLER * 2 + check_digit(number)
    first = HEAD + document + check_digit(document) + optional
    dates = birth + check_digit(birth) + sex + ends + check_digit(ends)
    second = dates + STATE + FILLER * 11
    return first + second + check_digit(_composite(first, second)) + _name(subject)


def parse(mrz: str) -> Mrz:
    """The fields of a Vietnamese TD1 zone. Raises MrzError(field) where a check digit is wrong."""
    if not _ALPHABET.fullmatch(mrz) or not mrz.startswith(HEAD):
        raise MrzError("mrz", "not a Vietnamese TD1 zone")
    first, second, name = mrz[:LINE], mrz[LINE : 2 * LINE], mrz[2 * LINE :]
    found = Mrz(
        document_number=_checked("document_number", first[5:14], first[14]),
        number=first[15:27],
        birth=_checked("birth", second[0:6], second[6]),
        sex=second[7],
        expiry=_checked("expiry", second[8:14], second[14]),
        nationality=second[15:18],
        name=name.rstrip(FILLER),
    )
    _checked("composite", _composite(first, second), second[29])
    if not _NUMBER.fullmatch(found.number) or found.number[-9:] != found.document_number:
        raise MrzError("number", "not the number that the document number ends")
    return found


def access_keys(mrz: str) -> BacKeys:
    """The BAC fields of a zone. Raises MrzError if its check digits do not hold."""
    fields = parse(mrz)
    return BacKeys(fields.document_number, fields.birth, fields.expiry)


def _name(subject: Mapping[str, str]) -> str:
    return name_field(subject.get("full_name", ""), LINE)


def _composite(first: str, second: str) -> str:
    return first[5:30] + second[0:7] + second[8:15] + second[18:29]


def _yymmdd(field: str, iso: str) -> str:
    try:
        if not _ISO_DATE.fullmatch(iso):
            raise ValueError(iso)
        return date.fromisoformat(iso).strftime("%y%m%d")
    except ValueError as exc:
        raise MrzError(field, "YYYY-MM-DD is needed") from exc


def _checked(field: str, value: str, digit: str) -> str:
    if check_digit(value) != digit:
        raise MrzError(field, "wrong check digit")
    return value


def _value(ch: str) -> int:
    return 0 if ch == FILLER else int(ch, 36)
