"""The error catalogue as data (`config/errors/*.toml`): code, cause and remedy, in both languages.

A file is an area, its digit the first of its codes. What may go wrong is a reason, a key that the flow, the
journal or the centre gives; a code is what people say on the telephone. `python -m config.catalogue` prints
docs/errors.md (generated, never edited).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from config.load import HERE, ConfigError, filled, read_toml

FOLDER = HERE / "errors"
KEY = re.compile("[a-z][a-z0-9_]{0,59}")
LONGEST = 240
"""Characters of a cause or a remedy: what a person in a van reads in one look."""
HEAD = """# Mã lỗi · Error codes

Generated from `config/errors` by `python -m config.catalogue`; a test compares. On the box:
`kiosk explain E-512`. The code stands on the screen; a code never changes its meaning.
"""


@dataclass(frozen=True, slots=True)
class Text:
    """One thing said in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`code` (E-214) is what is said about `reason`, and about the reasons in `also`, which mean the same."""

    code: str
    reason: str
    cause: Text
    remedy: Text
    also: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        return (self.reason, *self.also)


@dataclass(frozen=True, slots=True)
class Area:
    """The codes that begin with one digit, rising."""

    name: Text
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    areas: tuple[Area, ...]
    by_code: Mapping[str, Entry]
    by_reason: Mapping[str, Entry]


def code_of(reason: str | None) -> str:
    """The code of a reason; "" where it has none, as when a person only asked for help."""
    found = _index().by_reason.get(reason or "")
    return found.code if found else ""


def entry(code_or_reason: str) -> Entry | None:
    """What is known of a code ("E-214", "e214" or "214") or a reason; None where there is no such."""
    index, said = _index(), code_or_reason.strip()
    digits = re.fullmatch("(?:e-?)?([0-9]{3})", said.lower())
    return index.by_code.get(f"E-{digits[1]}") if digits else index.by_reason.get(said)


def areas() -> tuple[Area, ...]:
    """The whole catalogue, by code."""
    return _index().areas


def read_area(path: Path) -> Area:
    """One file. Raises ConfigError that names file and key."""
    said = read_toml(path)
    name = filled(Text, f"{path}: [area]", said.pop("area", {}))
    entries = tuple(_entry(path, code, table) for code, table in said.items())
    codes = [each.code for each in entries]
    if not codes or codes != sorted(set(codes)):
        raise ConfigError(f"{path}: the codes must rise")
    return Area(name, entries)


def read_areas(folder: Path) -> tuple[Area, ...]:
    """Every file of a folder. Raises ConfigError, also where a reason has two codes."""
    read = tuple(read_area(path) for path in sorted(folder.glob("*.toml")))
    seen: dict[str, str] = {}
    for each, reason in _reasons(read):
        if reason in seen:
            raise ConfigError(f"{folder}: {reason!r} has two codes, {seen[reason]} and {each.code}")
        seen[reason] = each.code
    return read


def _entry(path: Path, code: str, table: Any) -> Entry:
    where = f"{path}: [{code}]"
    if not re.fullmatch(f"E-{path.stem[0]}[0-9][0-9]", code):
        raise ConfigError(f"{where}: a code of this file is E-{path.stem[0]} and two digits")
    if not isinstance(table, Mapping) or "code" in table:
        raise ConfigError(f"{where} must be a table, and is its code itself")
    read = filled(Entry, where, {**table, "code": code})
    for reason in read.reasons:
        if not KEY.fullmatch(reason):
            raise ConfigError(f"{where} reason = {reason!r}; must be a key as in 'disk_full'")
    for text in (read.cause.vi, read.cause.en, read.remedy.vi, read.remedy.en):
        if not 0 < len(text) <= LONGEST or not text.endswith("."):
            raise ConfigError(f"{where}: {text!r}; must be whole sentences of at most {LONGEST} characters")
    return read


def _reasons(read: tuple[Area, ...]) -> Iterator[tuple[Entry, str]]:
    return ((each, reason) for area in read for each in area.entries for reason in each.reasons)


@cache
def _index() -> _Index:
    read = read_areas(FOLDER)
    by_reason = {reason: each for each, reason in _reasons(read)}
    by_code = {each.code: each for each in by_reason.values()}
    return _Index(read, MappingProxyType(by_code), MappingProxyType(by_reason))


def page() -> str:
    """docs/errors.md."""
    return HEAD + "".join(_section(area) for area in areas())


def _section(area: Area) -> str:
    rows = (f"| {each.code} | {_both(each.cause)} | {_both(each.remedy)} |\n" for each in area.entries)
    head = "| Mã · Code | Vì sao · Cause | Làm gì · What to do |\n|---|---|---|\n"
    return f"\n## {area.name.vi} · {area.name.en}\n\n{head}{''.join(rows)}"


def _both(text: Text) -> str:
    return f"{text.vi}<br>*{text.en}*"


if __name__ == "__main__":
    sys.stdout.write(page())
