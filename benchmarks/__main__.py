"""`make bench`, `make bench ONLY=kiosk`: measure, print and keep each figure as one JSON line.

The JSON lines go to standard output, a table of the figures with an aim or a peer to standard error. A
figure that is measured again replaces its old line in `var/bench/results.jsonl`; `docs/benchmarks.md` is
made from that file by `python -m benchmarks.report`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from typing import Literal

from rich.console import Console
from rich.table import Table

from benchmarks.figure import Figure, say
from benchmarks.results import GROUPS, about, group_module, keep, keep_machine, misses


def main() -> int:
    """Returns 1 when a figure misses its aim; one that cannot be measured here misses nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("group", nargs="?", choices=GROUPS, help="one group; all when not given")
    wanted = parser.parse_args().group
    keep_machine()
    measured: list[Figure] = []
    for group in [wanted] if wanted else GROUPS:
        measured += _measure(group)
    for each in measured:
        print(json.dumps(each, ensure_ascii=False))
    Console(stderr=True).print(_table(measured))
    return 1 if any(misses(each) for each in measured) else 0


def _measure(group: str) -> Iterable[Figure]:
    measured: list[Figure] = []
    for function in group_module(group).FIGURES:
        began = time.monotonic()
        say(f"{group}: {(function.__doc__ or function.__name__).splitlines()[0]}")
        found = function()
        rows = found if isinstance(found, list) else [found]
        for row in rows:
            if row["value"] is None:
                say(f"{row['name']}: not measured here ({row.get('why', 'no reason given')})")
        say(f"{group}: {time.monotonic() - began:.1f} s")
        measured += keep(rows)
    return measured


def _table(measured: list[Figure]) -> Table:
    table = Table(title="var/bench/results.jsonl", title_justify="left")
    for name in ("figure", "value", "unit", "aim", "", "peer", "its value"):
        justify: Literal["left", "right"] = "right" if name in ("value", "aim", "its value") else "left"
        table.add_column(name, justify=justify, no_wrap=name != "peer")
    for each in (each for each in measured if each["aim"] is not None or each["peer"] is not None):
        sign = "≥" if about(each["name"]).more else "≤"
        aim = "" if each["aim"] is None else f"{sign} {each['aim']:g}"
        verdict = "" if each["aim"] is None or each["value"] is None else ("MISSED" if misses(each) else "ok")
        table.add_row(
            each["name"], _number(each["value"]), each["unit"], aim, verdict,
            each["peer"] or "", _number(each["peer_value"]),
        )  # fmt: skip
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


if __name__ == "__main__":
    sys.exit(main())
