"""The twelve-digit personal number (Decree 37/2021/ND-CP art. 13; Circular 59/2021/TT-BCA art. 4).

`PPP C YY NNNNNN`: place of birth registration (a province of the list of 63, or a foreign country), century
and sex, the last two digits of the birth year, six random digits. Provinces merged since keep their code.
"""

from __future__ import annotations

from datetime import date

PROVINCES = frozenset(
    """001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033
    034 035 036 037 038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066
    067 068 070 072 074 075 077 079 080 082 083 084 086 087 089 091 092 093 094 095 096""".split()  # noqa: SIM905 - a table
)
FOREIGN = range(101, 400)  # the annex numbers countries from 101


WHY = {
    "length": "must be twelve digits 0-9",
    "place": "begins with no province of the list of 63 and no country code",
    "sex": "has a century-and-sex digit that disagrees with the sex",
    "year": "has century and year digits that disagree with the birth date",
}


class NumberProblem(ValueError):
    """Why the digits cannot be a personal number; `reason` is a key of WHY."""

    def __init__(self, reason: str) -> None:
        super().__init__(WHY[reason])
        self.reason = reason


def birth_year(number: str) -> int:
    """The year of birth that the digits carry: 1900..2399."""
    return 1900 + 100 * (int(number[3]) // 2) + int(number[4:6])


def sex(number: str) -> str:
    """ "M" or "F", as the century digit says (even: male)."""
    return "MF"[int(number[3]) % 2]


def check(number: str, born: date | None = None, declared_sex: str | None = None) -> None:
    """Raise NumberProblem unless `number` can be that of a person born on `born` with `declared_sex`."""
    if len(number) != 12 or not (number.isascii() and number.isdigit()):
        raise NumberProblem("length")
    if number[:3] not in PROVINCES and int(number[:3]) not in FOREIGN:
        raise NumberProblem("place")
    if declared_sex is not None and declared_sex != sex(number):
        raise NumberProblem("sex")
    if born is not None and born.year != birth_year(number):
        raise NumberProblem("year")
