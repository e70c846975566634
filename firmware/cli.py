"""`kiosk`: the one command of a box. `kiosk COMMAND --help` says more."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from firmware.cli_box import app as box
from firmware.cli_bundle import write_bundle
from firmware.cli_card import app as card
from firmware.cli_explain import explain
from firmware.cli_records import app as records
from firmware.cli_torn import unlock

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads spin; two slow cores have other work

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Trạm thu nhận căn cước · the enrolment kiosk.",
)
app.add_typer(records, name="records")
app.add_typer(card, name="card")
app.add_typer(box, name="box")
app.command()(explain)
officer = typer.Typer(no_args_is_help=True, help="Cán bộ · the officers of this box.")
officer.command("unlock")(unlock)
app.add_typer(officer, name="officer")
EX_CONFIG = 78
LONGEST_OFFLINE_S = 7 * 86400.0


class Language(StrEnum):
    VI = "vi"
    EN = "en"


class Calibrated(StrEnum):
    FINGER = "finger"


class Pace(StrEnum):
    REAL = "real"
    FAST = "fast"


Settings = Annotated[
    Path | None, typer.Option("--config", help="The site's TOML file, over config/default.toml.")
]
Dialect = Annotated[
    str, typer.Option(help="Of the blank cards: iso7816-scp03, store-data or lds-plain (config/cards).")
]
Board = Annotated[str | None, typer.Option(help="A file of config/boards, as in pi4-7inch.")]


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a person can mend about a virtual station into one line and exit code 1; Ctrl-C is 130."""
    from firmware.sim.trouble import MENDABLE

    try:
        yield
    except MENDABLE as exc:
        sys.stderr.write(f"kiosk: {exc}\n")
        raise typer.Exit(1) from exc
    except KeyboardInterrupt as exc:
        sys.stderr.write("kiosk: stopped\n")
        raise typer.Exit(128 + signal.SIGINT) from exc


def seconds_of(text: str) -> float:
    """A span of time as people write it: 2h, 30m, 90s; "" is none. Raises BadParameter."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    if not text:
        return 0.0
    try:
        seconds = float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError):
        seconds = -1.0
    if not 0 < seconds <= LONGEST_OFFLINE_S:
        raise typer.BadParameter(
            "a span of time is written 2h, 30m or 90s, 168h at most", param_hint="--offline"
        )
    return seconds


@app.command()
def demo(
    citizens: Annotated[int, typer.Option(min=1, max=50, help="How many made-up citizens come.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Who they are: the same seed, the same people.")] = 1,
    worn_fingers: Annotated[bool, typer.Option("--worn-fingers", help="Hands that worked hard.")] = False,
    language: Annotated[Language, typer.Option(help="The language they choose.")] = Language.VI,
    pace: Annotated[Pace, typer.Option(help="Human pauses and device timing, or none.")] = Pace.FAST,
    pcsc: Annotated[bool, typer.Option("--pcsc", help="The card behind a private pcscd and vpcd.")] = False,
    night: Annotated[
        bool, typer.Option("--night", help="The portrait by a street lamp, step by step.")
    ] = False,
    power_cuts: Annotated[
        int, typer.Option("--power-cuts", min=0, max=500, help="Kill the kiosk's process so many times.")
    ] = 0,
    offline: Annotated[
        str, typer.Option("--offline", help="Cut the line to the centre for so long, as 2h or 30m.")
    ] = "",
    dialect: Dialect = "iso7816-scp03",
    folder: Annotated[Path, typer.Option(help="Where everything of the demo lies.")] = Path("var/demo"),
) -> None:
    """Let made-up citizens walk from the greeting to a working chip card, on virtual devices.

    With --power-cuts or --offline the kiosk runs in a process of its own, is killed at moments drawn from the
    seed, and must lose nothing. The hours offline pass on the demo's clock. Exit code 1: something is not so.
    """
    from firmware.sim import demo as show
    from firmware.sim.office import Wishes
    from firmware.sim.show import console

    wishes = Wishes(
        citizens=citizens,
        seed=seed,
        worn=worn_fingers,
        language=language.value,
        real_pace=pace is Pace.REAL,
        pcsc=pcsc,
        dialect=dialect,
        night=night,
        folder=folder,
        power_cuts=power_cuts,
        offline_s=seconds_of(offline),
    )
    with explained():
        show.demo(wishes, console())


@app.command()
def drill(
    seed: Annotated[int, typer.Option(min=0, help="Who comes: the same seed, the same people.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where everything of the drill lies.")] = Path("var/drill"),
) -> None:
    """Rehearse a swap on the desk: two boxes, one centre, a failure in mid-write, a late old box."""
    from firmware.sim import drill as rehearsal
    from firmware.sim.show import console

    with explained():
        rehearsal.drill(folder, seed, console())


@app.command()
def station(
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")] = 8470,
    seed: Annotated[int, typer.Option(min=0, help="Who comes: the same seed, the same people.")] = 1,
    pcsc: Annotated[bool, typer.Option("--pcsc", help="The card behind a private pcscd and vpcd.")] = False,
    dialect: Dialect = "iso7816-scp03",
    folder: Annotated[Path, typer.Option(help="Where everything of the station lies.")] = Path("var/station"),
) -> None:
    """Serve a virtual station to your browser: its screen, touches, and the world around it."""
    from firmware.sim.browser import run_station
    from firmware.sim.office import Wishes

    typer.echo("preparing the centre, the people and their fingers …", err=True)
    with explained():
        run_station(Wishes(seed=seed, pcsc=pcsc, dialect=dialect, folder=folder), port, typer.echo)


@app.command()
def run(config: Settings = None, board: Board = None) -> None:
    """Run this box (systemd does; see deploy/). Exit code 78: the configuration refuses."""
    from config.load import load
    from firmware.run import run as run_box

    settings = load(*([config] if config else []), board=board)
    code = run_box(settings)
    enrolled = (Path(settings.station.data) / "identity").exists()
    if code == EX_CONFIG and settings.station.profile == "virtual" and not enrolled:
        typer.echo("kiosk: this is no box yet; on a PC try `make demo` or `make kiosk`", err=True)
    raise typer.Exit(code)


@app.command()
def doctor(
    config: Settings = None,
    board: Board = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    virtual: Annotated[bool, typer.Option("--virtual", help="Examine the virtual devices.")] = False,
    calibrate: Annotated[
        Calibrated | None, typer.Option(help="Measure the sensor's true resolution.")
    ] = None,
    pitch_mm: Annotated[float, typer.Option(help="From line to line on the scale that lies on it.")] = 1.0,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Write what the service team needs, encrypted to them.")
    ] = None,
) -> None:
    """Open every configured device, measure it, say what to do. Exit code 1: something failed."""
    from config.load import load
    from firmware import doctor as examination
    from firmware.app.devices import real_openers

    settings = load(*([config] if config else []), board=board)
    if calibrate is not None:
        settings = replace(settings, finger=replace(settings.finger, ppi=500))
        raise typer.Exit(_calibrate(real_openers(settings), pitch_mm))
    openers = _virtual_openers() if virtual else real_openers(settings)
    findings = []

    def examine() -> Iterator[Any]:
        for finding in examination.examine(settings, openers):
            findings.append(finding)
            _say_finding(finding, as_json)
            yield finding

    if bundle is not None:
        write_bundle(settings, bundle, examine)
    else:
        list(examine())
    raise typer.Exit(1 if examination.failed(findings) else 0)


def _calibrate(openers: Any, pitch_mm: float) -> int:
    """Lay the scale on the glass; exit code 1 where none was seen, or no sensor."""
    from drivers.errors import DriverError
    from firmware.calibrate import NoScale, calibrate

    typer.echo(
        f"Lay the scale ({pitch_mm:g} mm from line to line) on the glass with a drop of water …", err=True
    )
    try:
        with openers.finger() as sensor:
            typer.echo(calibrate(sensor, pitch_mm))
    except (DriverError, NoScale) as exc:
        typer.echo(f"kiosk: {exc}", err=True)
        return 1
    return 0


def _virtual_openers() -> Any:
    from firmware.sim.station import VirtualStation

    return VirtualStation(wait=lambda _: None).openers()


def _say_finding(finding: Any, as_json: bool) -> None:
    if as_json:
        row = {name: getattr(finding, name) for name in ("name", "value", "limit", "verdict", "advice")}
        typer.echo(json.dumps(row, ensure_ascii=False))
        return
    typer.echo(f"{finding.verdict.upper():<5} {finding.name:<12} {finding.value}  (limit: {finding.limit})")
    if finding.verdict == "fail":
        typer.echo(f"      → {finding.advice}")


def main() -> None:
    """The entry point: an error that people can mend is one line and an exit code, never a traceback."""
    from config.load import ConfigError

    try:
        app()
    except ConfigError as exc:
        sys.stderr.write(f"kiosk: {exc}\n")
        sys.exit(EX_CONFIG)


if __name__ == "__main__":
    main()
