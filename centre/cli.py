"""`kiosk-centre`: make a centre, enrol boxes, fill the registry, serve."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from centre import chain, cli_box, cli_stick, db, league, ledger, registry
from centre.cli_options import Database, Folder, print_json, read_file
from centre.core import utc_now
from centre.errors import CentreError, CentreSetupError
from centre.files import write_whole
from centre.pki import Role
from centre.serve import ready_file, serve
from centre.station import Station

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Trung tâm của trạm căn cước · The centre of the enrolment kiosk: registry, signer, ingest.",
)
registry_app = typer.Typer(no_args_is_help=True, help="The population registry.")
app.add_typer(registry_app, name="registry")
app.add_typer(cli_box.app)
app.add_typer(cli_stick.app)


@app.command()
def init(
    folder: Folder,
    box: Annotated[str | None, typer.Option(help="Enrol a first box with this id, too.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where that box's identity goes.")] = None,
    database: Database = None,
) -> None:
    """Make a new centre: a DEVELOPMENT key set and an empty database."""
    if (box is None) != (out is None):
        raise typer.BadParameter("--box and --out go together")
    station = Station(folder, database)
    station.init()
    typer.echo(f"a development centre is ready in {folder}; next: kiosk-centre enrol-box")
    if box is not None and out is not None:
        station.enrol_box(box, out)
        typer.echo(f"{box} is enrolled; its files are in {out}")


@app.command()
def enrol_box(
    folder: Folder,
    box: Annotated[str, typer.Option(help="The box's id, as in BOX-01.")],
    out: Annotated[Path, typer.Option(help="Where the box's key, certificate and anchors go.")],
    database: Database = None,
) -> None:
    """Give a box its identity: everything it needs, and nothing else, is written into OUT."""
    Station(folder, database).enrol_box(box, out)
    typer.echo(f"{box} is enrolled; its files are in {out}")


@registry_app.command("import")
def import_persons(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="A JSON list of persons.")],
    database: Database = None,
) -> None:
    """Put persons into the registry, replacing those of the same number."""
    persons = registry.load_persons(read_file(file))
    with Station(folder, database).opened() as engine, db.writing(engine) as connection:
        count = registry.store(connection, persons)
    typer.echo(f"{count} persons imported")


@registry_app.command("extract")
def extract(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    database: Database = None,
) -> None:
    """Write a signed extract of the registry, for boxes that will be offline."""
    station = Station(folder, database)
    signer = station.pki.credential(Role.EXTRACT)
    with station.opened() as engine, db.reading(engine) as connection:
        data = registry.make_extract(registry.everyone(connection), signer, utc_now())
    write_whole(out, data, mode=0o600)
    typer.echo(f"{len(data)} bytes written to {out}")


@app.command("serve")
def serve_command(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8443,
    ready: Annotated[
        Path | None,
        typer.Option("--ready-file", help="Write the ready line here instead of to the output."),
    ] = None,
    ahead_s: Annotated[
        int,
        typer.Option(
            "--clock-ahead", min=0, help="Seconds: a demo whose clock is moved; never in production."
        ),
    ] = 0,
    database: Database = None,
) -> None:
    """Serve the boxes until ended; prints one JSON line with host and port when ready."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("resumable_upload").setLevel(logging.ERROR)  # it logs what clients send
    station = Station(folder, database)
    announce = ready_file(ready) if ready else _print_line
    with station.opened() as engine:
        try:
            serve(station.app(engine, _clock(station, ahead_s)), station.pki, host, port, announce)
        except OSError as exc:
            raise CentreSetupError(
                f"cannot listen on {host}:{port} ({exc.strerror}): choose another --port"
            ) from exc


@app.command()
def void(
    folder: Folder,
    record_id: Annotated[str, typer.Option("--record", help="The record's id.")],
    attempt: Annotated[list[int], typer.Option(help="An attempt whose card is lost; may be repeated.")],
    by: Annotated[str, typer.Option(help="Who decided it; goes into the ledger.")],
    database: Database = None,
) -> None:
    """Void the open grants of a record whose box can no longer report them lost."""
    with Station(folder, database).opened() as engine, chain.turn(engine) as turn:
        count = ledger.give_up(turn, record_id, frozenset(attempt), by, utc_now())
    if not count:
        raise CentreSetupError(f"no open grant of record {record_id} has that attempt")
    typer.echo(f"{count} voided")


@app.command()
def counts(
    folder: Folder,
    by: Annotated[
        str | None, typer.Option(help="League table of what is accepted, by: unit,day · unit · day.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="Only this business day, YYYY-MM-DD (05:00 to 05:00 in Vietnam).")
    ] = None,
    database: Database = None,
) -> None:
    """Print what has arrived, as JSON, by status, box and unit; checks the ledger's chain."""
    keys = _keys(by or "unit,day")
    station = Station(folder, database)
    with station.opened() as engine:
        if by or day:
            with db.reading(engine) as connection:
                print_json(league.table(connection, keys, day))
        else:
            print_json(station.centre(engine).counts())
        with db.reading(engine) as connection:
            broken = chain.broken_at(connection)
    if broken is not None:
        raise CentreSetupError(f"the ledger's chain is broken at position {broken}")


@app.command()
def rebuild(folder: Folder, database: Database = None) -> None:
    """Make the league table again from the sealed files of the accepted records, and say what was wrong."""
    station = Station(folder, database)
    with station.opened() as engine:
        records, changed = station.centre(engine).rebuild()
    typer.echo(f"{records} accepted records, {changed} rows were missing or otherwise")


def main() -> None:
    """The entry point: a refusal is one line on stderr and exit code 1, never a traceback."""
    try:
        app()
    except CentreError as exc:
        sys.exit(f"kiosk-centre: {exc}")


def _clock(station: Station, ahead_s: int) -> Callable[[], datetime]:
    if ahead_s and not station.pki.is_development:
        raise CentreSetupError("only a development centre's clock can be moved")
    return lambda: utc_now() + timedelta(seconds=ahead_s)


def _keys(by: str) -> list[str]:
    keys = by.split(",")
    if not set(keys) <= set(league.KEYS) or len(set(keys)) != len(keys):
        raise typer.BadParameter("--by takes unit, day or unit,day")
    return keys


def _print_line(line: dict[str, object]) -> None:
    typer.echo(json.dumps(line))
    sys.stdout.flush()
