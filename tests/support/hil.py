"""Which devices the contracts run on: those that a TOML file names are real, the rest virtual or recorded.

IDKIOSK_HIL names the file; tests/hil/devices.example.toml shows all there is to say, docs/hil.md its use.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from config.load import load
from config.schema import Config
from firmware.app.devices import Openers, real_openers

HIL = "IDKIOSK_HIL"


class DevicesError(Exception):
    """The file says something else than it may; the message says where and what is allowed."""


class Origin(StrEnum):
    REAL = "real"
    RECORDED = "recorded"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class Finger:
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Camera:
    driver: str = "picamera2"
    source: str = "0"


@dataclass(frozen=True, slots=True)
class Panel:
    board: str = "pi4-7inch"


@dataclass(frozen=True, slots=True)
class Display:
    device: str = "/dev/fb0"


@dataclass(frozen=True, slots=True)
class Touch:
    device: str = ""


@dataclass(frozen=True, slots=True)
class Devices:
    """A table that the file has not is None: that device is virtual. `attended`: a person is at the bench."""

    attended: bool = False
    finger: Finger | None = None
    chip: Chip | None = None
    badge: Chip | None = None
    camera: Camera | None = None
    panel: Panel | None = None
    display: Display | None = None
    touch: Touch | None = None


TABLES: Mapping[str, type] = {
    "finger": Finger,
    "chip": Chip,
    "badge": Chip,
    "camera": Camera,
    "panel": Panel,
    "display": Display,
    "touch": Touch,
}


def named_devices(environ: Mapping[str, str] = os.environ) -> Devices:
    """What IDKIOSK_HIL's file names; nothing where it is not set. Raises DevicesError."""
    if not environ.get(HIL):
        return Devices()
    path = Path(environ[HIL])
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DevicesError(f"{HIL}={path}: {exc}") from exc
    unknown = set(said) - {"attended", *TABLES}
    if unknown or not isinstance(said.get("attended", False), bool):
        raise DevicesError(
            f"{path}: {unknown or 'attended'}: allowed are attended = true, {', '.join(TABLES)}"
        )
    return Devices(said.get("attended", False), **{n: _table(path, n, said[n]) for n in TABLES if n in said})


def _table(path: Path, name: str, said: Any) -> Any:
    known = [each.name for each in fields(TABLES[name])]
    if (
        not isinstance(said, dict)
        or set(said) - set(known)
        or not all(isinstance(v, str) for v in said.values())
    ):
        raise DevicesError(f"{path}: [{name}] takes texts for: {', '.join(known)}")
    return TABLES[name](**said)


def config_of(devices: Devices) -> Config:
    """The configuration of a box with the named devices."""
    config = load(board=devices.panel.board if devices.panel else None)
    if devices.finger:
        config = replace(config, finger=replace(config.finger, serial=devices.finger.serial))
    if devices.chip:
        config = replace(config, chip=replace(config.chip, reader=devices.chip.reader))
    if devices.badge:
        config = replace(config, badge=replace(config.badge, reader=devices.badge.reader))
    if devices.camera:
        driver, source = devices.camera.driver, devices.camera.source
        config = replace(config, camera=replace(config.camera, driver=driver, source=source))  # type: ignore[arg-type]
    return config


def openers(devices: Devices, virtual: Openers) -> Openers:
    """The box's own openers for what is named, `virtual` for the rest."""
    real = real_openers(config_of(devices))
    named = {each.name for each in fields(Openers) if getattr(devices, each.name) is not None}
    return replace(virtual, **{name: getattr(real, name) for name in named})


@dataclass
class Asked:
    """Hands of a person: `say` tells them what to do, on the terminal."""

    say: Callable[[str], None]
    place_text: str
    lift_text: str

    def place(self) -> None:
        self.say(self.place_text)

    def lift(self) -> None:
        self.say(self.lift_text)


@dataclass
class Ledger:
    """Which device was what, and how its tests ended."""

    rows: dict[tuple[str, Origin, str], Counter[str]] = field(default_factory=dict)

    def count(self, row: tuple[str, Origin, str], outcome: str) -> None:
        self.rows.setdefault(row, Counter())[outcome] += 1

    def lines(self) -> list[str]:
        """The table for the terminal, by class of device."""
        head = ("class", "was", "which", "tests")
        body = [
            (kind, str(origin), which, ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
            for (kind, origin, which), counts in sorted(self.rows.items())
        ]
        widths = [max(len(row[column]) for row in (head, *body)) for column in range(3)]
        return [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
            for row in (head, *body)
        ]
