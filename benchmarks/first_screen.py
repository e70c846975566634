"""`kiosk run` whose panel is a plain file, for timing its start: `python -m benchmarks.first_screen FILE …`.

Everything else is the real command: it is handed the arguments after FILE as `kiosk` would get them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from firmware.cli import app


def main() -> None:
    from benchmarks.panel_file import panel_file
    from firmware import run

    path = Path(sys.argv[1])
    run.open_display = lambda config, terminal: panel_file(path, 32)  # noqa: ARG005
    sys.argv = ["kiosk", *sys.argv[2:]]
    app()


if __name__ == "__main__":
    main()
