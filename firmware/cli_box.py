"""`kiosk box`: the box itself: its papers, its state, and a swap. `kiosk box COMMAND --help` says more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firmware import cli_box_words as words
from firmware.cli_box_keys import enrol, init, lock, officers, unlock
from firmware.cli_box_papers import take
from firmware.cli_box_provision import provision
from firmware.cli_counter import Counter, counter
from firmware.cli_shared import refuse, site

if TYPE_CHECKING:
    from config.schema import Config

app = typer.Typer(no_args_is_help=True, help="Máy · the box: papers, status, swap.")
for command in (provision, init, enrol, unlock, lock, officers, take):
    app.command(command.__name__)(command)

Settings = Annotated[Path | None, typer.Option("--config", help="The site's TOML file.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="The box's data folder, instead of [station] data.")
]
Officer = Annotated[str, typer.Option("--officer", help="Who does this: an officer's id, as in the records.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command()
def status(config: Settings = None, data: Data = None, as_json: Json = False) -> None:
    """Which box this is, what it may do and what it still has. It only reads: the kiosk may run."""
    from firmware.box import status as looking
    from firmware.box.identity import IdentityError, identity_of
    from firmware.records.errors import RecordsError
    from firmware.records.format.errors import FormatError
    from firmware.records.shelf import beside

    settings = _settings(config, data)
    folder = Path(settings.station.data)
    if not (folder / "identity").exists():
        refuse(f"{folder} holds no box")
    identity = identity_of(settings)
    try:
        with beside(folder / "records", identity.certificate("box.crt")) as shelf:
            found = looking.read(shelf, identity)
    except (RecordsError, FormatError, IdentityError) as exc:
        refuse(str(exc))
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    for line in words.status(found):
        typer.echo(line)


@app.command()
def export(
    stick: Annotated[Path, typer.Argument(help="Where the stick is mounted.")],
    officer: Officer,
    to: Annotated[str, typer.Option("--to", help="The only spare that may adopt it, as BOX-99.")] = "",
    config: Settings = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Hand this box over: it enrols and issues no more, and everything undelivered goes to the stick."""
    from firmware.box.export import export as hand_over

    with _swapping(config, data, officer) as desk:
        done = hand_over(desk.journal, desk.desk.papers, stick, officer, to)
    if as_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False, default=str))
        return
    for line in words.exported(done):
        typer.echo(line)


@app.command()
def adopt(
    source: Annotated[
        Path, typer.Argument(help="The stick, the old storage card's data folder, or an order's file.")
    ],
    officer: Officer,
    blanks: Annotated[int, typer.Option("--blanks", min=0, help="Blank cards taken over, counted.")] = 0,
    recovery: Annotated[
        Path | None, typer.Option("--recovery", help="recovery-identity.age, unless it is on the stick.")
    ] = None,
    code: Annotated[
        str, typer.Option("--code", help="The 12 recovery digits; asked for when they are needed.")
    ] = "",
    rest: Annotated[
        bool, typer.Option("--rest", help="Take what is whole, though the stick misses some.")
    ] = False,
    config: Settings = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take the place of a box that failed: its undelivered records, its waiting visits, its blanks."""
    from firmware.box import adopt as adopting

    with _swapping(config, data, officer) as desk:
        papers = desk.desk.papers
        if not code and adopting.examine(desk.journal, papers, source, rest).drafts:
            code = typer.prompt("12 số khôi phục · the 12 recovery digits", hide_input=True, err=True)
        wanted = adopting.Wanted(source, officer, blanks, recovery, code, rest)
        done = adopting.adopt(desk.journal, papers, wanted)
    if as_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False, default=str))
        return
    for line in words.adopted(done):
        typer.echo(line)


@app.command()
def retire(
    out: Annotated[Path, typer.Option("--out", help="Where the signed proof goes, as on a stick.")],
    officer: Officer,
    config: Settings = None,
    data: Data = None,
) -> None:
    """Erase this box's keys, records and visits, and leave one signed proof. There is no way back."""
    from firmware.box import retire as retiring
    from firmware.box.identity import IdentityError, identity_of
    from firmware.box.stick import SwapRefused
    from firmware.records.errors import StoreError

    settings = _settings(config, data)
    folder = Path(settings.station.data)
    try:
        proof = retiring.begun(folder)
        if proof is None:
            with _swapping(config, data, officer) as desk:
                proof = retiring.sign(desk.journal, desk.desk.papers, officer)
        retiring.erase(folder, identity_of(settings), proof, out)
    except SwapRefused as exc:
        refuse(words.refused(exc.reason, exc.detail))
    except (StoreError, IdentityError) as exc:
        refuse(str(exc))
    typer.echo(f"đã xoá, bằng chứng ở {out} · erased, the proof is {out}")


def _settings(config: Path | None, data: Path | None) -> Config:
    settings = site(config)
    if data is None:
        return settings
    return replace(settings, station=replace(settings.station, data=str(data)))


@contextmanager
def _swapping(config: Path | None, data: Path | None, officer: str) -> Iterator[Counter]:
    """The journal, held by this process; what a person can mend is said in both languages."""
    from firmware.box.stick import SwapRefused
    from firmware.records.errors import HandedOver
    from firmware.records.format.schema import is_id

    if not is_id(officer):
        refuse("--officer: mã cán bộ · an officer's id, as in the records", 2)
    with counter(config, data, ()) as desk:
        try:
            yield desk
        except SwapRefused as exc:
            refuse(words.refused(exc.reason, exc.detail))
        except HandedOver as exc:
            refuse(words.refused(exc.reason, str(exc)))
