"""`kiosk box`: the box itself: its papers, and a swap. `kiosk box COMMAND --help` says more."""

from __future__ import annotations

import typer

from firmware.cli_box_papers import take

app = typer.Typer(no_args_is_help=True, help="Máy · the box: papers, status, swap.")
app.command("take")(take)
