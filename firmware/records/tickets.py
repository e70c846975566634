"""Ticket codes for a number pad: eight digits, shown `1234 5678`, of which the last one is a check digit.

The check digit is Damm's (H. M. Damm, Total anti-symmetrische Quasigruppen, Marburg 2004): it finds every
single wrong digit and every exchange of neighbours. No code begins with 0, so nothing that drops leading
zeros makes another code of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import reduce

from firmware.records.errors import TicketRefused

LENGTH = 8
FIRST = 10 ** (LENGTH - 2)
"""The smallest number that the digits before the check digit may make."""
COUNT = 9 * FIRST
"""How many codes there are."""
_BETWEEN = " \u00a0\u202f\t-.\u2013"
_LONGEST_TYPED = 40
_DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip
"""The quasigroup of order 10: row, the check digit so far; column, the next digit."""


def new(below: Callable[[int], int] = secrets.randbelow) -> str:
    """A code as it is shown; `below(n)` gives a random whole number 0..n-1."""
    digits = str(FIRST + below(COUNT))
    return _shown(digits + check_digit(digits))


def normal(typed: str) -> str:
    """The code as it is shown, from what a person typed. Raises TicketRefused("ticket_malformed").

    Blanks, hyphens and dots may stand anywhere.
    """
    code = "".join(sign for sign in typed[:_LONGEST_TYPED] if sign not in _BETWEEN)
    digits_only = code.isascii() and code.isdigit()
    if len(code) != LENGTH or not digits_only or code[0] == "0" or check_digit(code) != "0":
        raise TicketRefused("ticket_malformed")
    return _shown(code)


def check_digit(digits: str) -> str:
    """Damm's check digit of a row of digits; "0" for a row that ends with its own."""
    return reduce(check_digit_after, digits, "0")


def check_digit_after(so_far: str, digit: str) -> str:
    """The check digit once `digit` follows what had the check digit `so_far`."""
    return _DAMM[int(so_far)][int(digit)]


def _shown(code: str) -> str:
    return f"{code[:4]} {code[4:]}"
