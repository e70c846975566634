"""`kiosk box take`: papers of the centre from a stick, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from firmware.cli_counter import counter
from firmware.cli_shared import refuse

if TYPE_CHECKING:
    from firmware.box.warrants import Papers
    from firmware.records.journal import Journal

Files = Annotated[list[Path], typer.Argument(help="Signed assignments and leases (….json).")]
Settings = Annotated[Path | None, typer.Option("--config", help="The site's TOML file.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="The box's data folder, instead of [station] data.")
]
REASONS = MappingProxyType(
    {
        "paper_unreadable": "không đọc được · not a paper of the centre, or damaged",
        "paper_forged": "chữ ký không đúng · the signature is not the centre's",
        "paper_of_another_box": "của máy khác · for another box",
        "paper_of_another_pool": "của cụm khác · for another pool",
        "paper_of_another_profile": "huấn luyện khác sản xuất · training is not production",
        "paper_stale": "cũ · older than what this box has",
        "paper_replayed": "trùng số, khác nội dung · its serial is another paper's",
        "paper_epoch_back": "kỳ cũ · of an epoch that is over",
        "no_assignment": "chưa có quyết định bố trí · first the assignment, then the lease",
    }
)
LAST = ("no_assignment",)
"""What another paper of the same stick may cure."""


def take(files: Files, config: Settings = None, data: Data = None) -> None:
    """Take in what the centre signed for this box. Exit code 1: something was refused."""
    with counter(config, data, ()) as desk:
        refused = _all(desk.desk.papers, desk.journal, files)
        for path, reason in refused.items():
            typer.echo(f"{path.name}: {REASONS[reason]} ({reason})", err=True)
        own = desk.desk.papers.assignment(desk.journal)
        if own is not None:
            typer.echo(f"{own.capture_unit} · {own.team} · {own.station} · epoch {own.epoch}")
    if refused:
        refuse("một số giấy không được nhận · some papers were refused")


def _all(papers: Papers, journal: Journal, files: Iterable[Path]) -> dict[Path, str]:
    """Take what can be taken; what waited for another paper of the stick is tried once more."""
    refused = _round(papers, journal, files)
    waited = [path for path, reason in refused.items() if reason in LAST]
    return {path: reason for path, reason in refused.items() if path not in waited} | (
        _round(papers, journal, waited) if waited else {}
    )


def _round(papers: Papers, journal: Journal, files: Iterable[Path]) -> dict[Path, str]:
    """Why each file that was not taken was not."""
    from firmware.box.warrants import PaperRefused, paper_in

    refused: dict[Path, str] = {}
    for path in files:
        try:
            taken = papers.take(journal, paper_in(path), "stick")
        except PaperRefused as exc:
            refused[path] = exc.reason
        else:
            new = "nhận · taken" if taken.new else "đã có · known already"
            typer.echo(f"{path.name}: {taken.kind} {taken.serial}: {new}")
    return refused
