"""`kiosk box init | enrol | unlock | lock | officers`: the box's keys, and who may unlock them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from firmware.cli_shared import refuse, site

if TYPE_CHECKING:
    from config.schema import Config
    from firmware.box.identity import Identity
    from firmware.box.unlock import Unlocking

Settings = Annotated[Path | None, typer.Option("--config", help="The site's TOML file.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="The box's data folder, instead of [station] data.")
]
Badge = Annotated[str, typer.Option(help="The officer's badge.")]
UNLOCK = MappingProxyType(
    {
        "badge_unknown": "thẻ này không mở khoá được máy · this badge does not unlock this box",
        "pin_wrong": "sai mã PIN, còn {left} lần · wrong PIN, {left} tries left",
        "locked_out": "sai quá nhiều lần, chờ {wait_s} giây · too many wrong PINs: wait {wait_s} s",
    }
)


class Officers(StrEnum):
    LIST = "list"
    ADD = "add"
    REMOVE = "remove"
    STAFF = "staff"


def init(
    box: Annotated[str, typer.Option(help="The box's id, as in BOX-07.")] = "",
    tpm: Annotated[bool, typer.Option("--tpm", help="Make the keys in the TPM of [tpm].")] = False,
    badge: Annotated[str, typer.Option(help="With --tpm: who unlocks the box first; asks for the PIN.")] = "",
    taken: Annotated[
        Path | None, typer.Option("--take", help="Install what the centre answered to the request.")
    ] = None,
    config: Settings = None,
    data: Data = None,
) -> None:
    """Make the box's keys and a request for its certificate; then take the centre's answer."""
    from firmware.box.identity import identity_of
    from firmware.box.init import REQUEST, InTpm, begin, take

    settings = _site(config, data)
    identity = identity_of(settings)
    with _explained():
        if taken is not None:
            made = take(identity, _read(taken))
            typer.echo(f"{made.box}: đã nhận · enrolled; {_mark(identity)}\nmã đối chiếu · seal: {made.seal}")
            return
        if not box or tpm != bool(badge):
            refuse("--box BOX-07, and --badge with --tpm", 2)
        where = InTpm(identity.tcti, identity.runtime, badge, _pin(badge, new=True)) if tpm else None
        begin(identity.folder, box, where)
    typer.echo(f"{identity.folder / REQUEST}: kiosk-centre sign-box DIR --request FILE --out ANSWER")


def enrol(
    authority: Annotated[Path, typer.Option("--ca", help="The centre's TLS CA (PEM).")],
    code: Annotated[str, typer.Option(prompt=True, hide_input=True, help="The one-time code.")],
    config: Settings = None,
    data: Data = None,
) -> None:
    """Ask the centre of [centre] for the certificate, with a code of `kiosk-centre enrolment-code`."""
    from firmware.box.identity import identity_of
    from firmware.box.init import enrol as enrol_box

    settings = _site(config, data)
    identity = identity_of(settings)
    with _explained():
        made = enrol_box(identity, settings.centre.url, authority, code.strip())
    typer.echo(f"{made.box}: đã nhận · enrolled; {_mark(identity)}")


def unlock(badge: Badge, config: Settings = None, data: Data = None) -> None:
    """Unlock the box after a cold boot, with an officer's badge and PIN."""
    with _explained():
        lock = _lock(config, data)
        if not lock.locked():
            typer.echo("máy đã mở khoá · the box is unlocked already")
            return
        lock.unlock(badge, _pin(badge))
    typer.echo("đã mở khoá · unlocked")


def lock(config: Settings = None, data: Data = None) -> None:
    """Forget what a PIN unlocked, as a cold boot would."""
    with _explained():
        _lock(config, data).lock()
    typer.echo("đã khoá · locked")


def officers(
    what: Annotated[Officers, typer.Argument(help="list, add, remove or staff.")] = Officers.LIST,
    badge: Annotated[str, typer.Option(help="Whose badge.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="With staff: the list (JSON) that this box keeps encrypted.")
    ] = None,
    config: Settings = None,
    data: Data = None,
) -> None:
    """Who may unlock this box, and its list of staff. To change either, the box must be unlocked."""
    if (what in (Officers.ADD, Officers.REMOVE)) != bool(badge) or (what is Officers.STAFF) != bool(file):
        refuse("add and remove need --badge, staff needs --file", 2)
    with _explained():
        if file is not None:
            _keep_staff(_site(config, data), file)
            return
        lock = _lock(config, data)
        if what is Officers.ADD:
            lock.secret()
            lock.admit(badge, _pin(badge, new=True))
        elif what is Officers.REMOVE:
            lock.dismiss(badge)
        for each in lock.badges():
            typer.echo(each)


def _keep_staff(settings: Config, file: Path) -> None:
    from firmware.box.identity import identity_of
    from firmware.box.officers import OfficersError, officers_in

    try:
        staff = officers_in(_read(file), file)
    except OfficersError as exc:
        refuse(str(exc))
    identity_of(settings).keep_officers(list(staff.values()))
    typer.echo(f"{len(staff)} cán bộ · officers; xoá tệp · destroy {file}: PINs can be guessed from it")


def _site(config: Path | None, data: Path | None) -> Config:
    settings = site(config)
    if data is not None:
        settings = replace(settings, station=replace(settings.station, data=str(data)))
    return settings


def _lock(config: Path | None, data: Path | None) -> Unlocking:
    from firmware.box.identity import identity_of

    lock = identity_of(_site(config, data)).lock
    if lock is None:
        refuse("khoá của máy nằm trong tệp · the keys of this box lie in files: nothing is locked")
    return lock


def _mark(identity: Identity) -> str:
    """What a person should see of a development box."""
    from firmware.box.identity import Identity

    return "TẬP HUẤN · TRAINING" if Identity(identity.folder).development else "production"


def _pin(badge: str, new: bool = False) -> str:
    pin: str = typer.prompt(f"PIN {badge}", hide_input=True, err=True, confirmation_prompt=new)
    return pin.strip()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        refuse(f"{path}: {exc.strerror}")


@contextmanager
def _explained() -> Iterator[None]:
    """What a person can mend is one line and exit code 1."""
    from firmware.box.errors import IdentityError, UnlockRefused
    from firmware.records.errors import StoreError
    from firmware.uplink.errors import UplinkError

    try:
        yield
    except UnlockRefused as exc:
        refuse(UNLOCK[exc.reason].format(**vars(exc)))
    except (IdentityError, StoreError, UplinkError, ValueError) as exc:
        refuse(str(exc))
