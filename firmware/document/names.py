"""Names in A-Z: transliteration and truncation for the MRZ (Doc 9303-3, 4.6 and 6)."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType

from firmware.document.errors import MrzError

FILLER = "<"
MAX_NAME = 200

# Letters whose transliteration is not their base letter without marks (Doc 9303-3, 6, table A; Ä, Ö, Ü
# and Ñ have a choice there: the base letter, as Vietnam's minority languages want it).
_WHOLE = MappingProxyType(
    {
        "Đ": "D", "Ð": "D", "Ɖ": "D", "Ƀ": "B", "Ħ": "H", "Ŧ": "T", "Ł": "L", "Ŀ": "L", "Ŋ": "N",
        "ı": "I", "ĸ": "K", "Ə": "E", "Å": "AA", "Æ": "AE", "Œ": "OE", "Ø": "OE", "Þ": "TH", "ß": "SS",
        "ẞ": "SS", "Ĳ": "IJ", "Ơ": "O", "Ư": "U",
    }
)  # fmt: skip
_OMITTED = frozenset("'’‘‛`´ʼʻʹ′.·")  # apostrophes join what they part (4.6); so does a full stop
_GAPS = re.compile(r"[\s\-‐‑‒–—−,]+")


def transliterate(name: str) -> list[str]:
    """The components of a name in A-Z: NGUYỄN THỊ ÁNH → ["NGUYEN", "THI", "ANH"].

    Marks are dropped and apostrophes omitted; hyphens, commas and spaces part the components.
    Raises MrzError for what has no place in the MRZ: digits, letters that are not Latin.
    """
    if len(name) > MAX_NAME:
        raise MrzError("name", "too long")
    text = unicodedata.normalize("NFC", name).upper()
    found = ["".join(_letter(ch) for ch in part) for part in _GAPS.split(text)]
    found = [part for part in found if part]
    if not found:
        raise MrzError("name", "no letters")
    return found


def name_field(name: str, width: int) -> str:
    """`PRIMARY<<SECONDARY<SECONDARY` filled or truncated to `width`.

    The first component of a Vietnamese name is the family name, the primary identifier. A truncated
    field ends in a letter, which tells a reader that letters may be missing (Doc 9303-3, 4.6.3).
    """
    primary, *given = transliterate(name)
    primary = primary[: width - 3] if given else primary[:width]
    while len(field := _joined(primary, given)) > width and field[width - 1] == FILLER:
        seen = field[:width].count(FILLER) - 2  # components that end before the cut
        longest = max(range(seen), key=lambda i: (len(given[i]), -i))
        if len(given[longest]) > 1:
            given[longest] = given[longest][:-1]
        elif len(primary) > 1:
            primary = primary[:-1]
        else:  # single letters everywhere, and the cut falls between two of them
            break
    return field[:width].ljust(width, FILLER)


def _joined(primary: str, given: list[str]) -> str:
    return primary + (FILLER * 2 + FILLER.join(given) if given else "")


def _letter(ch: str) -> str:
    if ch in _OMITTED:
        return ""
    if ch in _WHOLE:
        return _WHOLE[ch]
    base = "".join(c for c in unicodedata.normalize("NFD", ch) if not unicodedata.combining(c))
    letters = "".join(_WHOLE.get(c, c) for c in base)
    if not (letters.isascii() and (letters.isalpha() or not letters)):
        raise MrzError("name", f"U+{ord(ch):04X} has no transliteration")
    return letters
