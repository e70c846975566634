"""Small checkers that compose: each looks at one value and adds a Problem for whatever is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from typing import Any

from firmware.records.format.errors import Problem

Problems = list[Problem]
Check = Callable[[Any, str, Problems], None]

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LETTERS = unicodedata.ucd_3_2_0
"""The characters that every Python knows alike: both ends of the wire judge a text by the same tables."""
CONTROL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def parse_moment(value: object) -> datetime | None:
    """An ISO 8601 UTC moment ending in Z, or None when it is not one."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        return None
    return moment if MINYEAR < moment.year < MAXYEAR else None  # a day before and after it are days too


def parse_day(value: object) -> date | None:
    """A date YYYY-MM-DD, or None when it is not one."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def text(most: int, least: int = 1, pattern: str | None = None) -> Check:
    """NFC text of `least`..`most` characters, none a control character, wholly matching `pattern`."""
    compiled = re.compile(pattern, re.ASCII) if pattern else None

    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append(Problem(where, "must be text"))
        elif not least <= len(value) <= most:
            problems.append(Problem(where, f"must have {least} to {most} characters"))
        elif any(LETTERS.category(letter) in CONTROL for letter in value):
            problems.append(Problem(where, "has a control or unassigned character"))
        elif not LETTERS.is_normalized("NFC", value):
            problems.append(Problem(where, "must be in Unicode form NFC"))
        elif compiled and not compiled.fullmatch(value):
            problems.append(Problem(where, f"must match {compiled.pattern}"))

    return check


def integer(least: int, most: int) -> Check:
    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.append(Problem(where, "must be a whole number"))
        elif not least <= value <= most:
            problems.append(Problem(where, f"must be {least} to {most}"))

    return check


def number(least: float, most: float) -> Check:
    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            problems.append(Problem(where, "must be a number"))
        elif not least <= value <= most:
            problems.append(Problem(where, f"must be {least} to {most}"))

    return check


def boolean(value: Any, where: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.append(Problem(where, "must be true or false"))


def must_be(expected: Any) -> Check:
    def check(value: Any, where: str, problems: Problems) -> None:
        if type(value) is not type(expected) or value != expected:
            problems.append(Problem(where, f"must be {expected!r}"))

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, str) or value not in values:
            problems.append(Problem(where, "must be one of " + ", ".join(values)))

    return check


def moment(value: Any, where: str, problems: Problems) -> None:
    if parse_moment(value) is None:
        problems.append(Problem(where, "must be a UTC moment YYYY-MM-DDThh:mm:ssZ"))


def day(value: Any, where: str, problems: Problems) -> None:
    if parse_day(value) is None:
        problems.append(Problem(where, "must be a date YYYY-MM-DD"))


def nullable(inner: Check) -> Check:
    def check(value: Any, where: str, problems: Problems) -> None:
        if value is not None:
            inner(value, where, problems)

    return check


def listing(item: Check, most: int, least: int = 0) -> Check:
    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, list | tuple):
            problems.append(Problem(where, "must be a list"))
        elif not least <= len(value) <= most:
            problems.append(Problem(where, f"must have {least} to {most} entries"))
        else:
            for at, entry in enumerate(value):
                item(entry, f"{where}[{at}]", problems)

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with exactly these keys; an unknown one is a problem, for nobody would read it."""
    may = optional or {}

    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, Mapping):
            problems.append(Problem(where, "must be an object"))
            return
        for key in value:
            if key not in required and key not in may:
                problems.append(Problem(_under(where, str(key)[:40]), "is not a known field"))
        for key, inner in required.items():
            if key not in value:
                problems.append(Problem(_under(where, key), "is missing"))
            else:
                inner(value[key], _under(where, key), problems)
        for key, inner in may.items():
            if key in value:
                inner(value[key], _under(where, key), problems)

    return check


def mapping(key: str, item: Check, most: int, least: int = 0) -> Check:
    """An object of `least`..`most` entries whose keys wholly match the pattern `key`."""
    compiled = re.compile(key, re.ASCII)

    def check(value: Any, where: str, problems: Problems) -> None:
        if not isinstance(value, Mapping):
            problems.append(Problem(where, "must be an object"))
            return
        if not least <= len(value) <= most:
            problems.append(Problem(where, f"must have {least} to {most} entries"))
            return
        for name, entry in value.items():
            if not isinstance(name, str) or not compiled.fullmatch(name):
                problems.append(Problem(_under(where, str(name)[:40]), f"is not a name like {key}"))
            else:
                item(entry, _under(where, name), problems)

    return check


def _under(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
