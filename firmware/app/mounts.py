"""Sticks that are in: what the system mounted below a folder, and a wait for the next one.

A stick is a mount point at or below the folder (deploy mounts it there). On a station that is not in
production, a plain folder below it stands for one.
"""

from __future__ import annotations

import re
import select
from pathlib import Path

from drivers.worker import Stop

MOUNTS = Path("/proc/self/mounts")
SLICE_MS = 200
_ESCAPED = re.compile(r"\\([0-7]{3})")


def sticks_in(folder: Path, table: str, plain: bool) -> tuple[Path, ...]:
    """The sticks below `folder` by the mount table's text (proc(5)); `plain`: its folders count too."""
    found = {place for place in _places(table) if place == folder or folder in place.parents}
    if plain and folder.is_dir():
        found |= {path for path in folder.iterdir() if path.is_dir()}
    return tuple(sorted(found))


def await_stick(folder: Path, stop: Stop, plain: bool) -> Path | None:
    """The first stick that is in; None once nobody waits any more.

    The kernel tells of each change of the table; in between, the wait looks whether it is still wanted.
    """
    with MOUNTS.open(encoding="utf-8", errors="replace") as table:
        changes = select.poll()
        changes.register(table, select.POLLERR | select.POLLPRI)
        while not stop:
            table.seek(0)
            found = sticks_in(folder, table.read(), plain)
            if found:
                return found[0]
            changes.poll(SLICE_MS)
    return None


def _places(table: str) -> list[Path]:
    fields = (line.split(" ") for line in table.splitlines())
    return [Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), row[1])) for row in fields if len(row) > 2]
