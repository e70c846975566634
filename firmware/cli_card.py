"""`kiosk card`: look at any eMRTD, keep what passed to it, put a torn card right, count the blanks."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firmware import cli_shared, cli_torn
from firmware.cli_shared import open_reader, password_of, reader_trouble, refuse, site, trust_store

if TYPE_CHECKING:
    from cryptography import x509

    from drivers.api import ChipReader
    from drivers.chip.blocks import BlockMemory
    from drivers.chip.password import Password
    from drivers.chip.transcript import Event, Player
    from firmware.issue.inspect import Inspection

app = typer.Typer(no_args_is_help=True, help="Thẻ chip · chip cards: inspect and trace any, put ours right.")

stock = typer.Typer(
    no_args_is_help=True, help="Thẻ trắng · the blanks: in = live + void + left + out + missing."
)
app.add_typer(stock, name="stock")
app.command("resume")(cli_torn.resume)
app.command("void")(cli_torn.void)
stock.command("show")(cli_torn.show)
stock.command("load")(cli_torn.load)
stock.command("spoil")(cli_torn.spoil)
stock.command("hand-over")(cli_torn.hand_over)

INSPECT_S = 120.0

Settings = Annotated[Path | None, typer.Option("--config", help="The site's TOML file.")]
Number = Annotated[str, typer.Option("--document-number", help="Of the MRZ; asked for where missing.")]
Birth = Annotated[str, typer.Option("--birth", help="YYMMDD, as in the MRZ.")]
Expiry = Annotated[str, typer.Option("--expiry", help="YYMMDD, as in the MRZ.")]
CanDigits = Annotated[str, typer.Option("--can", help="Six digits on the card's face, instead of the MRZ.")]
Trust = Annotated[Path | None, typer.Option("--trust", help="CSCAs: a folder or file; else this box's own.")]
Reader = Annotated[str, typer.Option("--reader", help="Part of the PC/SC reader's name.")]
Virtual = Annotated[Path | None, typer.Option("--virtual", help="A saved virtual card, for training.")]


@app.command()
def inspect(
    config: Settings = None,
    document_number: Number = "",
    birth: Birth = "",
    expiry: Expiry = "",
    can: CanDigits = "",
    trust: Trust = None,
    reader: Reader = "",
    virtual: Virtual = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print personal data as well.")] = False,
) -> None:
    """Read a card through PACE or BAC; say what it holds and whether each check held.

    Exit code: 0 genuine, 1 forged, 3 untrusted, 4 expired, 5 unprotected, 6 torn, 7 does not open, 8 blank,
    9 no eMRTD, 10 breaks the protocol, 11 asks for what is not here; 69 no reader, no card, or it was lifted.
    """
    from firmware.cli_card_report import say
    from firmware.cli_card_words import EXIT

    settings = site(config)
    believed = trust_store(settings, trust)
    password = password_of(document_number, birth, expiry, can)
    with reader_trouble():
        found = _looked(lambda: open_reader(settings, reader, virtual), password, believed)
    say(found, as_json, show)
    raise typer.Exit(EXIT[found.verdict])


@app.command()
def trace(
    config: Settings = None,
    document_number: Number = "",
    birth: Birth = "",
    expiry: Expiry = "",
    can: CanDigits = "",
    trust: Trust = None,
    reader: Reader = "",
    virtual: Virtual = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", help="Keep it whole, WITH KEYS AND PERSONAL DATA (mode 0600; never in production)."
        ),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Play a kept transcript instead of reading a card.")
    ] = None,
) -> None:
    """Inspect a card and print every APDU masked: headers, structure, lengths and status words only.

    Exit code 1: a replay went otherwise than it was recorded; 69 as for inspect.
    """
    from drivers.chip.masking import masked
    from drivers.chip.transcript import Recorder

    settings = site(config)
    if record is not None and settings.station.profile == "production":
        refuse("a box in production keeps no keys and no personal data in a file: leave out --record")
    believed = trust_store(settings, trust)
    password = password_of(document_number, birth, expiry, can)
    with reader_trouble(), ExitStack() as stack:
        player = _player(replay) if replay else None
        opened = player or stack.enter_context(open_reader(settings, reader, virtual))
        recorder = Recorder(opened, player.random) if player else Recorder(opened)
        try:
            found = _look(recorder, password, believed, recorder.random)
        finally:
            for line in masked(recorder.events):
                typer.echo(line)
    if record is not None:
        _keep(record, recorder.events)
    if player is not None and not player.finished:
        refuse(f"not as it was recorded: {found.why or 'the transcript goes on'}")


def _looked(
    opens: Callable[[], AbstractContextManager[ChipReader]],
    password: Password,
    trust: tuple[x509.Certificate, ...],
) -> Inspection:
    """One look, and another with each shorter APDU while card or reader is lost at one too long for it."""
    from drivers.chip.blocks import BlockMemory
    from drivers.errors import DeviceRefused, UserRetry

    memory = BlockMemory()
    while True:
        losses = memory.losses
        try:
            with opens() as opened:
                found = _look(opened, password, trust, memory=memory)
            if memory.losses == losses:
                return found
        except (UserRetry, DeviceRefused):
            if memory.losses == losses:
                raise


def _look(
    reader: ChipReader,
    password: Password,
    trust: tuple[x509.Certificate, ...],
    random: Callable[[int], bytes] = os.urandom,
    memory: BlockMemory | None = None,
) -> Inspection:
    from drivers.api import Deadline
    from firmware.issue.inspect import inspect as look

    deadline = Deadline.after(INSPECT_S)
    return look(reader, password, trust, cli_shared.now(), deadline, random=random, memory=memory)


def _player(path: Path) -> Player:
    from drivers.chip.transcript import Player, TranscriptError, from_text

    try:
        return Player(from_text(path.read_text(encoding="ascii")))
    except (OSError, ValueError) as exc:
        what = exc if isinstance(exc, TranscriptError) else "cannot be read"
        refuse(f"{path}: {what}")


def _keep(path: Path, events: list[Event]) -> None:
    """A new file that only its owner may read; one that is there is not written over."""
    from drivers.chip.transcript import to_text

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        refuse(f"{path}: {exc.strerror}")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(to_text(events))
