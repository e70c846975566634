"""`kiosk doctor --bundle FILE.age`: the incident bundle, with a line for each part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from firmware.cli_shared import refuse

if TYPE_CHECKING:
    from config.schema import Config
    from firmware.doctor import Finding


def write_bundle(settings: Config, target: Path, examine: Callable[[], Iterable[Finding]]) -> None:
    """Write the bundle of this box to `target`; examining the devices is one part of it."""
    from firmware.box.bundle import BundleRefused, write
    from firmware.box.bundle_parts import parts
    from firmware.records.errors import StoreError

    identity = Path(settings.station.data) / "identity"
    try:
        made = write(
            parts(settings, examine), identity, target, lambda line: typer.echo(f"      {line}", err=True)
        )
    except (BundleRefused, StoreError) as exc:
        refuse(f"không lập được gói sự cố · no bundle: {exc}")
    typer.echo(f"{made.path.resolve()}  {made.size_bytes / 1000:.0f} kB", err=True)
    who = f"Chỉ đội kỹ thuật mở được · only the service team can open it: {made.recipient}"
    typer.echo(f"{who}  (age -d -i KEY {made.path.name} > bundle.zip)", err=True)
