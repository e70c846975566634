"""`kiosk box provision`: from a blank box and one stick to a box that may greet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from firmware.cli_box_keys import UNLOCK
from firmware.cli_box_papers import REASONS as PAPERS
from firmware.cli_shared import refuse

if TYPE_CHECKING:
    from config.schema import Config
    from firmware.box.delivery import Delivery

STEPS = MappingProxyType(
    {
        "settings": "cấu hình · settings",
        "anchors": "chứng thư của trung tâm · whom the box trusts",
        "keys": "khoá của máy · the box's keys",
        "certificate": "chứng thư của máy · the box's certificate",
        "papers": "giấy giao việc · assignment and lease",
        "staff": "danh sách cán bộ · the staff",
        "card_keys": "khoá thẻ tập huấn · keys of training cards",
        "extract": "trích lục dân cư, đã mã hoá · registry extract, encrypted",
        "owner": "quyền tệp · who owns the files",
    }
)
REASONS = MappingProxyType(
    {
        "stick_none": "không có bộ cấp phát cho máy này · nothing here to provision a box with",
        "stick_several": "có nhiều máy, chọn bằng --box · several boxes, name one with --box",
        "stick_damaged": "tệp bị hỏng hoặc bị đổi · a file is damaged or was exchanged: make the stick again",
        "stick_unreadable": "không đọc được · not a stick of the centre, or damaged: make it again",
        "stick_forged": "chữ ký không đúng · the signature is not of the enclosed centre",
        "stick_of_development": "trung tâm tập huấn không cấp máy thật · a training centre makes no real box",
        "seal_differs": "con dấu khác phiếu của trung tâm · the seal is not the one on the centre's paper",
        "other_identity": "máy đã là máy khác, xoá bằng `kiosk box retire` · this box is another already",
        "other_centre": "máy của trung tâm khác · this box belongs to another centre: retire it there first",
        "training_refused": "máy thật không nhận USB tập huấn · a production box takes nothing of training",
        "production_needs_tpm": "máy thật giữ khoá trong TPM · production keys lie in a TPM: add --tpm",
        "key_and_tpm": "khoá có sẵn không vào TPM · a ready key does not go into a TPM: leave out --tpm",
        "settings_bad": "cấu hình sai · the settings cannot be used",
        "staff_bad": "danh sách cán bộ sai · the list of staff cannot be used",
        "officer_needed": "cần thẻ và PIN cán bộ · an officer's badge and PIN are needed",
        "badge_unknown": "thẻ không có trong danh sách · the badge is not on the stick's list of staff",
        "pin_wrong": "sai mã PIN · wrong PIN",
    }
)


def provision(
    stick: Annotated[Path, typer.Argument(help="Where the stick of `kiosk-centre stick` is mounted.")],
    config: Annotated[Path, typer.Option("--config", help="The box's TOML file, written anew.")] = Path(
        "/etc/idkiosk/kiosk.toml"
    ),
    data: Annotated[
        Path | None, typer.Option("--data", help="The data folder; as in --config, or /var/lib/idkiosk.")
    ] = None,
    box: Annotated[str, typer.Option(help="Which box, when the stick has several.")] = "",
    tpm: Annotated[bool, typer.Option("--tpm", help="Make the key in the TPM.")] = False,
    badge: Annotated[str, typer.Option(help="With --tpm: who unlocks the box first; asks for the PIN.")] = "",
    seal: Annotated[str, typer.Option(help="The seal on the centre's paper, instead of the question.")] = "",
    board: Annotated[str | None, typer.Option(envvar="KIOSK_BOARD", help="A file of config/boards.")] = None,
    devices: Annotated[bool, typer.Option(help="Open and measure the devices at the end.")] = True,
) -> None:
    """Make this blank machine a box: keys, certificate, papers, staff, registry extract, settings.

    Cut anywhere, the same command goes on. Exit code 1: something is refused, or is left to be mended.
    """
    from firmware.box.delivery import Delivery
    from firmware.box.provision import Site
    from firmware.box.provision import provision as steps

    def officer() -> tuple[str, str]:
        who = badge or typer.prompt("thẻ cán bộ · badge", err=True).strip()
        return who, typer.prompt(f"PIN {who}", hide_input=True, err=True).strip()

    with _explained():
        delivery = Delivery.read(stick, box)
        _compare(delivery, seal)
        for done in steps(delivery, Site(config, data, tpm), officer):
            typer.echo(f"  {'xong · done' if done.new else 'đã có · there '}  {STEPS[done.step]}")
    if tpm:
        typer.echo("cán bộ khác mở khoá · others who unlock: kiosk box officers add --badge BADGE")
    raise typer.Exit(_what_next(config, board, devices))


def _compare(delivery: Delivery, seal: str) -> None:
    """The first trust: a person's eyes, or the letters that they typed."""
    from firmware.box.delivery import ProvisionRefused

    table = delivery.table
    typer.echo(f"{table.box}, {table.profile}, {table.at:%Y-%m-%d %H:%M}Z\ncon dấu · seal: {delivery.seal}")
    if seal:
        same = _letters(seal) == _letters(delivery.seal)
    else:
        same = typer.confirm("giống phiếu của trung tâm? · the same as on the centre's paper?", err=True)
    if not same:
        raise ProvisionRefused("seal_differs")


def _letters(seal: str) -> str:
    return seal.replace("-", "").replace(" ", "").upper()


def _what_next(config: Path, board: str | None, devices: bool) -> int:
    """Preflight, the doctor's summary, and what a person does now; the exit code."""
    from config.load import load
    from firmware.preflight import examine
    from firmware.run import explained

    settings = load(config, board=board)
    reasons = examine(settings)
    for one in reasons:
        text = explained(one.reason, one.text, settings.station.language)
        typer.echo(f"  CHƯA ĐƯỢC · NOT YET  {text}", err=True)
    if devices:
        _examine(settings)
    if reasons:
        typer.echo("sửa rồi chạy lại lệnh này · mend this, and run the same command again", err=True)
        return 1
    typer.echo("máy sẵn sàng · the box is ready: systemctl restart idkiosk; then wipe the stick · xoá USB")
    return 0


def _examine(settings: Config) -> None:
    from firmware.app.devices import real_openers
    from firmware.doctor import examine

    for finding in examine(settings, real_openers(settings)):
        typer.echo(f"  {finding.verdict}  {finding.name}: {finding.value}")


@contextmanager
def _explained() -> Iterator[None]:
    """What a person can mend is one line and exit code 1."""
    from firmware.box.delivery import ProvisionRefused
    from firmware.box.errors import IdentityError, UnlockRefused
    from firmware.box.officers import OfficersError
    from firmware.records.errors import RecordsError
    from firmware.uplink.errors import UplinkError

    try:
        yield
    except ProvisionRefused as exc:
        said = REASONS.get(exc.reason) or PAPERS.get(exc.reason, exc.reason)
        refuse(f"{said} ({exc.reason})" + (f" [{exc.detail}]" if exc.detail else ""))
    except UnlockRefused as exc:
        refuse(UNLOCK[exc.reason].format(**vars(exc)))
    except (IdentityError, OfficersError, RecordsError, UplinkError, OSError, ValueError) as exc:
        refuse(str(exc))
