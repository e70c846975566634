"""What an officer does on the console about sealed records: offer refused ones again, send one first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firmware.cli_counter import counter

Settings = Annotated[Path | None, typer.Option("--config", help="The site's TOML file.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="The box's data folder, instead of [station] data.")
]
Badge = Annotated[list[str] | None, typer.Option("--badge", help="On a virtual station: whose badge it is.")]


def offer_again(config: Settings = None, data: Data = None, badge: Badge = None) -> None:
    """Let the records that the centre refused be sent again, once what it objected to is mended."""
    with counter(config, data, badge or ()) as desk:
        officer = desk.sign_in()
        count = desk.journal.offer_again(officer.officer)
    typer.echo(f"{count} hồ sơ sẽ được gửi lại · records will be sent again at the next start")


def send_first(
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="A sealed record's id.")],
    config: Settings = None,
    data: Data = None,
    badge: Badge = None,
) -> None:
    """Send this record before all others: an examination tomorrow, a person of merit, a funeral."""
    with counter(config, data, badge or ()) as desk:
        officer = desk.sign_in()
        desk.journal.hasten(record_id.strip().lower(), officer.officer)
    typer.echo("hồ sơ này sẽ được gửi trước · this record is sent first")
