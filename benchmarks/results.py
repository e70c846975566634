"""Where figures are kept (`var/bench/results.jsonl`, beside the machine's line) and what is known of each."""

from __future__ import annotations

import importlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.figure import About, Figure

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "var" / "bench"
RESULTS, MACHINE = FOLDER / "results.jsonl", FOLDER / "machine.json"
GROUPS = ("kiosk", "chip", "finger", "portrait", "records", "box")
KEYS = tuple(Figure.__annotations__)


def group_module(group: str) -> ModuleType:
    """The module of a group: `FIGURES` are functions that return one figure or a list, `ABOUT` explains."""
    return importlib.import_module(f"benchmarks.{group}")


def kept() -> dict[str, Figure]:
    """The figures measured so far, by name, in the order of the file."""
    if not RESULTS.is_file():
        return {}
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    return {row["name"]: row for row in rows}


def keep(rows: Iterable[Mapping[str, Any]]) -> list[Figure]:
    """Put figures into the file in place of older ones of the same name; return them as they stand there."""
    new = [Figure(**{key: row[key] for key in KEYS}) for row in rows]  # type: ignore[typeddict-item]
    every = kept() | {row["name"]: row for row in new}
    FOLDER.mkdir(parents=True, exist_ok=True)
    beside = RESULTS.with_suffix(".new")
    beside.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in every.values()), encoding="utf-8"
    )
    beside.replace(RESULTS)
    return new


def misses(figure: Figure) -> bool:
    """Whether a measured figure is not as good as its aim."""
    return worse_than_aim(figure, figure["value"])


def worse_than_aim(figure: Figure, value: float | None) -> bool:
    return beyond(figure["aim"], value, about(figure["name"]).more)


def beyond(limit: float | None, value: float | None, more: bool) -> bool:
    """Whether `value` is beyond `limit`: under it where more is better."""
    if limit is None or value is None:
        return False
    return value < limit if more else value > limit


def about(name: str) -> About:
    """What is known of a figure, or of the one that it is a share of (`citizen.software_s.FINGERS`)."""
    while name:
        if name in _every_about():
            return _every_about()[name]
        name = name.rpartition(".")[0]
    return About("")


@cache
def _every_about() -> Mapping[str, About]:
    return {name: told for group in GROUPS for name, told in group_module(group).ABOUT.items()}


def keep_machine() -> None:
    """Write down on what, when and beside which load the figures were made."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "python": platform.python_version(),
        "day": datetime.now(UTC).date().isoformat(),
        "load": round(os.getloadavg()[0], 1),
    }
    MACHINE.write_text(json.dumps(machine) + "\n", encoding="utf-8")


def _cpu() -> str:
    """The CPU's name; ARM kernels give none, then the architecture."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
