"""`kiosk-centre stick`: what a blank box needs, on one stick."""

from __future__ import annotations

from datetime import UTC, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from centre.cli_box import Box, BoxRole
from centre.cli_options import Database, Folder, read_file
from centre.core import utc_now
from centre.papers import Place, Terms
from centre.pki import Role
from centre.station import Station
from centre.stick import Wanted, Written, write
from firmware.records.format.rules import CASES
from firmware.records.format.warrants import PRODUCTION, TRAINING

app = typer.Typer()
DIALECTS = {TRAINING: "lds-plain", PRODUCTION: "iso7816-scp03"}
"""Of the box's cards, when not given: files of config/cards on the box."""


@app.command()
def stick(
    folder: Folder,
    box: Box,
    pool: Annotated[str, typer.Option(help="The group whose spares may replace it: province, unit group.")],
    out: Annotated[Path, typer.Option(help="Where the stick is mounted.")],
    unit: Annotated[str, typer.Option(help="The unit that it works for; none for a spare.")] = "",
    home_unit: Annotated[str | None, typer.Option(help="The unit that it belongs to, if another.")] = None,
    team: Annotated[str, typer.Option()] = "",
    station: Annotated[str, typer.Option(help="The station's name.")] = "",
    role: Annotated[BoxRole, typer.Option()] = BoxRole.unit,
    url: Annotated[
        str, typer.Option(help="The centre's address, as the box reaches it.")
    ] = "https://localhost:8443",
    dialect: Annotated[str, typer.Option(help="Of the cards; by the profile when not given.")] = "",
    lease: Annotated[int, typer.Option(min=0, help="With a lease of so many cards to issue offline.")] = 0,
    days: Annotated[float, typer.Option(min=0.01, help="Of the lease, from now.")] = 1,
    officers: Annotated[
        Path | None, typer.Option(help="The box's list of staff (JSON, PINs hashed).")
    ] = None,
    training_key: Annotated[
        bool, typer.Option("--training-key", help="With the key made here: no line is needed. Training only.")
    ] = False,
    card_keys: Annotated[
        Path | None, typer.Option(help="card-keys.toml of a training station's cards.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.1, max=720, help="How long its one-time code is good.")] = 72,
    database: Database = None,
) -> None:
    """Write a stick for `kiosk box provision`: whom the box trusts, where it works, its staff, its way in."""
    if (role == BoxRole.unit) != bool(unit):
        raise typer.BadParameter("a unit's box has a --unit, a spare has none")
    centre, now = Station(folder, database), utc_now()
    profile = TRAINING if centre.pki.is_development else PRODUCTION
    home = unit if home_unit is None else home_unit
    wanted = Wanted(
        box,
        Place(pool, home, unit, team, station, role.value, profile),
        url,
        dialect or DIALECTS[profile],
        read_file(officers) if officers else b"",
        _terms(centre, lease, days) if lease else None,
        training_key,
        hours,
        read_file(card_keys) if card_keys else b"",
    )
    _say(write(centre, wanted, out, now))


def _terms(centre: Station, count: int, days: float) -> Terms:
    signer = centre.pki.certificate(Role.DOCUMENT_SIGNER).public_bytes(Encoding.DER)
    until = (utc_now() + timedelta(days=days)).astimezone(UTC).replace(microsecond=0)
    return Terms(count, tuple(sorted(CASES)), until, sha256(signer).hexdigest())


def _say(made: Written) -> None:
    typer.echo(f"{made.folder} is written; on the box: kiosk box provision STICK")
    typer.echo(f"seal, to compare at the box: {made.seal}")
    for badge, pin in made.pins.items():
        typer.echo(f"made-up staff, said only now: {badge} PIN {pin}")
    typer.echo(
        "the stick holds personal data and the box's way in: keep it locked away, and wipe it after use"
    )
