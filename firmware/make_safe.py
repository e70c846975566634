"""Puts the panel's outputs into their safe state: lamps off, tray free, buzzer silent.

`python -m firmware.make_safe BOARD CONFIG` is what systemd runs after the kiosk has ended, however it
ended: a process that was killed leaves its pins as they were.
"""

from __future__ import annotations

import sys
from pathlib import Path

from config.load import load
from drivers.errors import DeviceFault
from firmware.app.devices import real_openers


def make_safe(board: str, settings: Path) -> int:
    """Open the panel and close it again, which is safe both times. 0, or 69 where it cannot be opened."""
    opens = real_openers(load(settings, board=board)).panel
    if opens is None:
        return 0
    try:
        with opens():
            return 0
    except DeviceFault as fault:
        sys.stderr.write(f"the panel was not made safe: {fault}\n")
        return 69


if __name__ == "__main__":
    sys.exit(make_safe(sys.argv[1], Path(sys.argv[2])))
