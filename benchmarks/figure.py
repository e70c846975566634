"""What a benchmark hands over: one figure beside its aim and its peer, and what must be known to read it."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

PI4 = 4.8
"""One core of a Raspberry Pi 4 takes about so many times as long as one of the desk's x86-64 cores."""


class Figure(TypedDict):
    """One line of `var/bench/results.jsonl`. `value` None: it cannot be measured on this machine."""

    name: str
    value: float | None
    unit: str
    aim: float | None
    peer: str | None
    peer_value: float | None


@dataclass(frozen=True, slots=True)
class About:
    """How a figure is read: what it says, which way is better, what of it a Pi would change.

    `cpu`: a slower core makes it worse in proportion. `simulated`: what of it is made up, "" for nothing.
    `limit`: the real limit behind the aim, in the figure's unit, and `limit_of` whose it is.
    """

    what: str
    more: bool = False
    cpu: bool = False
    simulated: str = ""
    limit: float | None = None
    limit_of: str = ""


def figure(
    name: str,
    value: float | None,
    unit: str,
    aim: float | None = None,
    peer: str | None = None,
    peer_value: float | None = None,
) -> Figure:
    """Return the figure, its numbers rounded to what can be meant."""
    return Figure(
        name=name, value=_short(value), unit=unit, aim=aim, peer=peer, peer_value=_short(peer_value)
    )


def say(text: str) -> None:
    """Tell whoever waits what is being done; never part of the results."""
    sys.stderr.write(f"  … {text}\n")


def median_s(act: Callable[[], object], rounds: int = 5) -> float:
    """Median wall time of `act`, which has run once before."""
    act()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def _short(value: float | None) -> float | None:
    """Four significant digits."""
    return None if value is None else float(f"{value:.4g}")
