"""Vietnamese spelling as far as data must be clean: where the tone mark stands in a syllable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")  # huyền, sắc, ngã, hỏi, nặng
_ONSET = re.compile(r"(?:qu|gi(?=[aeiouyâêôăơư])|ngh|ng|nh|gh|kh|ph|th|tr|ch|[bcdđghklmnprstvx])?")
_VOWELS = "aăâeêioôơuưy"
_OPEN_GLIDES = ("oa", "oe", "uy")  # hòa and hoà are both in use


def tone_misplaced(text: str) -> bool:
    """Whether a syllable of `text` (NFC) has its tone mark over a letter where no speller puts it.

    Both spellings of open oa, oe and uy hold ("hòa", "hoà"). Words that are no Vietnamese syllable, as
    names of other languages have, are not judged.
    """
    return any(not _well_placed(*syllable) for syllable in _toned(text))


def _toned(text: str) -> Iterator[tuple[str, int]]:
    """Syllables without their tone, in lower case, and which letter had it."""
    for word in re.findall(r"[^\W\d_]+", text):
        bare, at = "", None
        for mark in unicodedata.normalize("NFD", word.lower()):
            if mark in TONES:
                at = len(unicodedata.normalize("NFC", bare)) - 1
            else:
                bare += mark
        if at is not None:
            yield unicodedata.normalize("NFC", bare), at


def _well_placed(syllable: str, at: int) -> bool:
    match = _ONSET.match(syllable)
    begins = match.end() if match else 0
    vowels = ""
    for letter in syllable[begins:]:
        if letter not in _VOWELS:
            break
        vowels += letter
    closed = begins + len(vowels) < len(syllable)
    if not 1 <= len(vowels) <= 3 or not begins <= at:
        return not vowels  # "gì": the mark on the i of gi; nothing to judge without a vowel
    return at - begins in _places(vowels, closed)


def _places(vowels: str, closed: bool) -> tuple[int, ...]:
    """Where in a cluster of vowels the tone may stand."""
    marked = [place for place, letter in enumerate(vowels) if letter in "ăâêôơư"]
    if marked:
        return (marked[-1],)  # "ươ": over the ơ
    if len(vowels) == 3 or closed:
        return (min(1, len(vowels) - 1),)
    return (0, 1) if vowels in _OPEN_GLIDES else (0,)
