"""The QR code on the old card: found in a camera frame, read as seven fields, believed by nobody yet.

number | old 9-digit number | full name | DDMMYYYY | Nam or Nữ | address | issued DDMMYYYY; newer cards may
append fields. It only names a person; that the sitter is that person is proven elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import cv2
import zxingcpp

from drivers.api import Pixels

LONGEST = 512  # characters; real cards stay under 250
ONLY_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
FIELDS, FIELDS_MAX = 7, 16
NAME_LONGEST, ADDRESS_LONGEST = 100, 200
SEXES = {"nam": "M", "nữ": "F"}


class QrProblem(StrEnum):
    """Why a code is not taken; each is the key of a text that a screen can show."""

    NOT_A_CARD_QR = "not_a_card_qr"
    TOO_LONG = "too_long"
    BAD_NUMBER = "bad_number"
    BAD_NAME = "bad_name"
    BAD_DATE = "bad_date"
    BAD_SEX = "bad_sex"
    BAD_ADDRESS = "bad_address"


class QrError(Exception):
    """The text of a QR code cannot be an old card's; `reason` says why."""

    def __init__(self, reason: QrProblem) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OldCardQr:
    """What the old card says: text NFC, dates YYYY-MM-DD, `sex` M or F, `old_number` None without one."""

    number: str
    old_number: str | None
    full_name: str
    birth_date: str
    sex: str
    residence: str
    issue_date: str


def read_qr(bgr: Pixels) -> str | None:
    """Return the text of a QR code in the picture (height, width, 3), or None."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    for found in zxingcpp.read_barcodes(grey, formats=ONLY_QR):
        if found.valid:
            return str(found.text)
    return None


def read_old_card_qr(text: str) -> OldCardQr:
    """Parse the text of an old card's QR code. Raises QrError; accepts at most 512 characters."""
    if len(text) > LONGEST:
        raise QrError(QrProblem.TOO_LONG)
    fields = [unicodedata.normalize("NFC", part).strip() for part in text.split("|")]
    if not FIELDS <= len(fields) <= FIELDS_MAX or not text.isprintable():
        raise QrError(QrProblem.NOT_A_CARD_QR)
    number, old_number, name, born, sex, address, issued = fields[:FIELDS]
    _demand(re.fullmatch(r"[0-9]{12}", number), QrProblem.BAD_NUMBER)
    _demand(re.fullmatch(r"([0-9]{9})?", old_number), QrProblem.BAD_NUMBER)
    _demand(_is_name(name), QrProblem.BAD_NAME)
    _demand(sex.lower() in SEXES, QrProblem.BAD_SEX)
    _demand(0 < len(address) <= ADDRESS_LONGEST, QrProblem.BAD_ADDRESS)
    return OldCardQr(number, old_number or None, name, _day(born), SEXES[sex.lower()], address, _day(issued))


def _demand(kept: object, problem: QrProblem) -> None:
    if not kept:
        raise QrError(problem)


def _is_name(text: str) -> bool:
    letters = text.replace(" ", "").replace("'", "").replace("-", "")
    return len(text) <= NAME_LONGEST and letters.isalpha()


def _day(text: str) -> str:
    """Turn DDMMYYYY into YYYY-MM-DD."""
    _demand(re.fullmatch(r"[0-9]{8}", text), QrProblem.BAD_DATE)
    try:
        return date(int(text[4:]), int(text[2:4]), int(text[:2])).isoformat()
    except ValueError as exc:
        raise QrError(QrProblem.BAD_DATE) from exc
