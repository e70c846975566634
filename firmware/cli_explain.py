"""`kiosk explain`: what a code on the screen means, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from config.catalogue import Area, Entry, areas, entry
from firmware.cli_shared import refuse

Wanted = Annotated[str, typer.Argument(metavar="[CODE|REASON]", help="As in E-512, 512 or stick_incomplete.")]


def explain(wanted: Wanted = "") -> None:
    """Nói mã lỗi nghĩa là gì và phải làm gì · Say what a code on the screen means, and what to do.

    Without a code: all of them, by area. Exit code 1: there is no such code.
    """
    if not wanted:
        typer.echo("\n\n".join(map(_listed, areas())))
        return
    found = entry(wanted)
    if found is None:
        refuse(f"không có mã {wanted!r}, xem: kiosk explain · there is no such code: see kiosk explain")
    typer.echo(_told(found))


def _listed(area: Area) -> str:
    rows = (f"  {each.code}  {each.cause.vi}\n         {each.cause.en}" for each in area.entries)
    return "\n".join((f"{area.name.vi} · {area.name.en}", *rows))


def _told(found: Entry) -> str:
    return "\n".join(
        (
            f"{found.code}  {', '.join(found.reasons)}",
            f"  Vì sao      {found.cause.vi}",
            f"  Làm gì      {found.remedy.vi}",
            f"  Cause       {found.cause.en}",
            f"  What to do  {found.remedy.en}",
        )
    )
