"""Arguments that most commands of `kiosk-centre` share, and how it writes down what it gives out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from centre.errors import CentreSetupError

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The centre's folder.")]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="KIOSK_CENTRE_DATABASE",
        help="SQLAlchemy URL (postgresql+psycopg://…); SQLite inside DIR when not given.",
    ),
]


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def read_file(file: Path) -> bytes:
    """Raises CentreSetupError naming the file."""
    try:
        return file.read_bytes()
    except OSError as exc:
        raise CentreSetupError(f"{file} cannot be read: {exc.strerror}") from exc
