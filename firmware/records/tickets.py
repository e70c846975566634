"""Ticket codes: short, without look-alike signs, with a check character that finds every slip of one sign.

29 signs, a prime: the weighted sum finds any one wrong sign and any two neighbours exchanged.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from firmware.records.errors import TicketRefused

SIGNS = "23456789ABCDEFGHJKMNPQRTVWXYZ"
LENGTH = 7
Choose = Callable[[str], str]


def new(choose: Choose = secrets.choice) -> str:
    """A random code as it is shown: `ABC-DEFG`."""
    digits = "".join(choose(SIGNS) for _ in range(LENGTH - 1))
    code = digits + _check_sign(digits)
    return f"{code[:3]}-{code[3:]}"


def normal(typed: str) -> str:
    """The code as it is shown, from what a person typed. Raises TicketRefused("ticket_malformed")."""
    code = "".join(sign for sign in typed[:40].upper() if sign not in " -.")
    if len(code) != LENGTH or any(sign not in SIGNS for sign in code) or code[-1] != _check_sign(code[:-1]):
        raise TicketRefused("ticket_malformed")
    return f"{code[:3]}-{code[3:]}"


def _check_sign(digits: str) -> str:
    return SIGNS[sum((at + 2) * SIGNS.index(sign) for at, sign in enumerate(digits)) % len(SIGNS)]
