"""`kiosk-centre`, what concerns boxes: papers, swaps, retirement, and records that wait for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from centre import db, held, swaps
from centre.cli_options import Database, Folder, print_json, read_file
from centre.core import utc_now
from centre.errors import CentreSetupError
from centre.files import write_whole
from centre.papers import Place, Terms
from centre.pki import Role
from centre.station import Station
from firmware.records.format.rules import CASES
from firmware.records.format.warrants import PRODUCTION, SPARE, TOKEN, TRAINING, UNIT

app = typer.Typer()
Box = Annotated[str, typer.Option(help="The box's id, as in BOX-01.")]
Out = Annotated[Path | None, typer.Option(help="Write the signed paper here, too: for a stick.")]


class BoxRole(StrEnum):
    unit = UNIT
    spare = SPARE


class Profile(StrEnum):
    production = PRODUCTION
    training = TRAINING


@app.command()
def assign(
    folder: Folder,
    box: Box,
    pool: Annotated[str, typer.Option(help="The group whose spares may replace it: province, unit group.")],
    unit: Annotated[str, typer.Option(help="The unit that it works for now; none for a spare.")] = "",
    home_unit: Annotated[str | None, typer.Option(help="The unit that it belongs to, if another.")] = None,
    team: Annotated[str, typer.Option()] = "",
    station: Annotated[str, typer.Option(help="The station's name.")] = "",
    role: Annotated[BoxRole, typer.Option()] = BoxRole.unit,
    profile: Annotated[Profile | None, typer.Option(help="As the centre is, when not given.")] = None,
    new_epoch: Annotated[
        bool, typer.Option("--new-epoch", help="A box that was replaced comes back.")
    ] = False,
    out: Out = None,
    database: Database = None,
) -> None:
    """Say where a box works: a signed paper that it asks for, or gets by stick."""
    if (role == BoxRole.unit) != bool(unit):
        raise typer.BadParameter("a unit's box has a --unit, a spare has none")
    centre = Station(folder, database)
    own = TRAINING if centre.pki.is_development else PRODUCTION
    place = Place(
        pool, unit if home_unit is None else home_unit, unit, team, station, role.value, profile or own
    )
    _give(centre.assign(box, place, new_epoch), out, f"{box} is assigned")


@app.command()
def lease(
    folder: Folder,
    count: Annotated[int, typer.Option(min=1, help="How many cards.")],
    days: Annotated[float, typer.Option(min=0.01, help="For how long from now.")],
    box: Annotated[str | None, typer.Option(help="The box that may issue offline.")] = None,
    token: Annotated[
        bool, typer.Option("--token", help="The right travels with the token of --signer instead.")
    ] = False,
    pool: Annotated[str | None, typer.Option(help="Of a token: the boxes that it may serve.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="May be repeated; all when not given.")] = None,
    signer: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) of the document signer that signs offline.")
    ] = None,
    out: Out = None,
    database: Database = None,
) -> None:
    """Give a box, or a token, the right to issue cards offline: so many, of these cases, until then."""
    cases = tuple(case or sorted(CASES))
    if not set(cases) <= set(CASES):
        raise typer.BadParameter(f"--case is one of {', '.join(sorted(CASES))}")
    if token == (box is not None) or token != (pool is not None):
        raise typer.BadParameter("give --box, or --token with --pool")
    centre = Station(folder, database)
    digest = _signer_digest(centre, signer)
    until = (utc_now() + timedelta(days=days)).astimezone(UTC).replace(microsecond=0)
    holder = box if box is not None else f"{TOKEN}{digest[:16]}"
    made = centre.lease(holder, Terms(count, cases, until, digest), pool)
    _give(made, out, f"{holder} may issue {count} cards until {_said(until)}")


@app.command()
def swap_order(
    folder: Folder,
    spare: Annotated[str, typer.Option(help="The box that takes the place.")],
    replaces: Annotated[str, typer.Option(help="The box of which nothing can be read.")],
    out: Out = None,
    database: Database = None,
) -> None:
    """Order a spare to take the place of a box that is lost: what that one sends from now on is held."""
    _give(
        Station(folder, database).order_swap(spare, replaces), out, f"{spare} takes the place of {replaces}"
    )


@app.command()
def sign_box(
    folder: Folder,
    request: Annotated[Path, typer.Option(help="The box's certificate request (PKCS #10), box.csr.pem.")],
    out: Annotated[Path, typer.Option(help="What the box takes: its certificate and whom it trusts.")],
    database: Database = None,
) -> None:
    """Enrol a box that made its own key: `kiosk box init` writes the request and takes the answer."""
    made = Station(folder, database).sign_box(read_file(request))
    write_whole(out, made.to_json())
    typer.echo(f"{made.box} is enrolled; the answer is {out}\nits seal: {made.seal}")


@app.command()
def enrolment_code(
    folder: Folder,
    box: Box,
    hours: Annotated[float, typer.Option(min=0.1, max=720)] = 72,
    database: Database = None,
) -> None:
    """Say a one-time code by which a new box enrols itself over the network."""
    typer.echo(Station(folder, database).enrolment_code(box, hours))


@app.command()
def recovery(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The file to write; it must not exist.")],
    database: Database = None,
) -> None:
    """Write the identity that opens a lost box's drafts, for a technician: an age file behind 12 digits."""
    digits = Station(folder, database).recovery(out)
    typer.echo(f"{out} is written; what opens it is said only now:\n{digits}")


@app.command()
def retire_box(
    folder: Folder,
    box: Box,
    proof: Annotated[
        Path | None, typer.Option(help="What the box signed when it erased itself (`kiosk box retire`).")
    ] = None,
    database: Database = None,
) -> None:
    """End a box: its certificate opens nothing any more, and what it made after its last word is held."""
    Station(folder, database).retire_box(box, read_file(proof) if proof else None)
    typer.echo(f"{box} is retired" + ("" if proof else "; without a proof its last number is not known"))


@app.command("swaps")
def list_swaps(folder: Folder, database: Database = None) -> None:
    """Print, as JSON, which box took whose place, and what shows that two were on at once."""
    with Station(folder, database).opened() as engine, db.reading(engine) as connection:
        print_json(swaps.listing(connection))


@app.command("held")
def list_held(folder: Folder, database: Database = None) -> None:
    """Print, as JSON, the records that wait for a person, and why."""
    with Station(folder, database).opened() as engine, db.reading(engine) as connection:
        print_json(held.listing(connection))


@app.command()
def decide(
    folder: Folder,
    record: Annotated[str, typer.Option(help="The record's digest, as `held` lists it.")],
    accept: Annotated[bool, typer.Option("--accept/--reject", help="Whether it counts.")],
    by: Annotated[str, typer.Option(help="Who decides; goes into the ledger.")],
    why: Annotated[str, typer.Option(help="The reason, in words; nothing personal.")],
    database: Database = None,
) -> None:
    """Decide, once, on a record that is held: it counts from now on, or never."""
    station = Station(folder, database)
    with station.opened() as engine:
        station.centre(engine).decide(record, accept, by, why)
    typer.echo(f"{record} is {'accepted' if accept else 'rejected'}")


def _give(paper: bytes, out: Path | None, said: str) -> None:
    if out is not None:
        write_whole(out, paper)
    typer.echo(said if out is None else f"{said}; the signed paper is {out}")


def _signer_digest(centre: Station, signer: Path | None) -> str:
    if signer is None:
        certificate = centre.pki.certificate(Role.DOCUMENT_SIGNER)
    else:
        try:
            certificate = x509.load_pem_x509_certificate(read_file(signer))
        except ValueError as exc:
            raise CentreSetupError(f"{signer} is no certificate in PEM") from exc
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _said(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
