"""Draws the table: `python -m statemachine.diagram` prints docs/flow.md (generated, never edited)."""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict

from statemachine import events as ev
from statemachine.flow import STATES, TABLE, Row
from statemachine.session import Session
from statemachine.states import PROCEDURE, S

HEAD = """# The flow

Generated from `statemachine/flow.py` by `make flow`; `make check` compares. The procedure runs along the
bold line; an edge names the events that may take it. `THE STEP` stands for the step of the procedure that
the visit is at. Rows that hold in every state are in the table below, not in the picture.
"""

EVERYWHERE = (ev.DeviceLost, ev.DeviceBack, ev.StoreFailed)
TO_THE_STEP = (ev.Resumed, ev.StillHere, ev.ReturnAsked, ev.Proven, ev.Attested)
STEP = "STEP"


def _end(row: Row) -> str:
    """The node a row leads to: rows of one event that differ only in the step meet in one node."""
    alike = sum(other.source is row.source and other.event is row.event for other in TABLE)
    return STEP if row.event in TO_THE_STEP and alike > 4 and row.target is not S.REVIEW else str(row.target)


def _edges() -> dict[tuple[str, str], list[str]]:
    edges: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in TABLE:
        if row.target is None or row.event in EVERYWHERE:
            continue
        names = edges[str(row.source), _end(row)]
        if row.event.__name__ not in names:
            names.append(row.event.__name__)
    return edges


def mermaid() -> str:
    """The diagram: procedure states are boxes in a row, side states rounded."""
    lines = ["flowchart TD", f"    {STEP}{{{{THE STEP}}}}"]
    for state in S:
        left, right = ("[", "]") if state in PROCEDURE else ("([", "])")
        lines.append(f"    {state}{left}{state}{right}")
    forward = set(itertools.pairwise(PROCEDURE))
    for (source, target), names in _edges().items():
        arrow = "==>" if (source, target) in forward else "-->"
        lines.append(f'    {source} {arrow}|"{"<br/>".join(names)}"| {target}')
    return "\n".join(lines)


def _asks(state: S) -> str:
    asked = (asking(0, Session(way="qr")) for asking in STATES[state].asks)
    return ", ".join(type(effect).__name__ for effect in asked if effect)


def table() -> str:
    """One line a state: time-out and what is asked for on entry."""
    lines = ["| state | time-out | asks for |", "|---|---|---|"]
    for state, spec in STATES.items():
        timeout = f"{spec.timeout_s:g} s" if spec.timeout_s else "none"
        lines.append(f"| {state} | {timeout} | {_asks(state)} |")
    return "\n".join(lines)


def everywhere() -> str:
    lines = ["| event | in | leads to |", "|---|---|---|"]
    for event in EVERYWHERE:
        targets: dict[str, list[str]] = defaultdict(list)
        for row in TABLE:
            if row.event is event:
                targets[row.target or "stays, remembered"].append(row.source)
        for target, sources in targets.items():
            where = "every state" if len(set(sources)) == len(S) else ", ".join(dict.fromkeys(sources))
            lines.append(f"| {event.__name__} | {where} | {target} |")
    return "\n".join(lines)


def document() -> str:
    parts = [
        HEAD,
        f"```mermaid\n{mermaid()}\n```\n",
        "## States\n",
        table(),
        "\n## In every state\n",
        everywhere(),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
