"""Code tables as data (`config/codes/*.toml`): the names that a field may have, and from when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from config.load import named, whole


@dataclass(frozen=True, slots=True)
class CodeTable:
    """`names` as they are written today; `begins`: the first day of the table."""

    begins: date
    names: tuple[str, ...]


@cache
def code_table(name: str) -> CodeTable:
    """The table of `config/codes/<name>.toml`. Raises ConfigError where there is none."""
    return whole(CodeTable, named("codes", name))
