"""A dialect's data, from config/cards/NAME.toml; a key nobody reads is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import config

CARDS = Path(config.__file__).parent / "cards"


class ProfileError(ValueError):
    """A card profile that says something else than it may: names the file and the key."""


@dataclass(frozen=True, slots=True)
class Tags:
    access_keys: int


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for one APDU of each sort."""

    apdu: float
    create_file: float
    write: float
    authenticate: float
    lock: float


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    aid: bytes
    select_p2: int
    largest_file: int
    write_block: int
    read_blocks: tuple[int, ...]
    unreadable: frozenset[int]
    tags: Tags
    timeouts_s: Timeouts


def load_profile(name: str, folder: Path = CARDS) -> Profile:
    """Read the profile `name`. Raises ProfileError for a missing, unknown or impossible key."""
    path = folder / f"{name}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
        raise ProfileError(f"no card profile {path}; there are: {known}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ProfileError(f"{path}: {exc}") from exc
    return _profile(raw, path)


def _profile(raw: Mapping[str, Any], path: Path) -> Profile:
    values = _exactly(Profile, raw, path, "")
    try:
        profile = Profile(
            name=str(values["name"]),
            aid=bytes.fromhex(values["aid"]),
            select_p2=_number(values, "select_p2", 0, 0xFF),
            largest_file=_number(values, "largest_file", 1, 32767),
            write_block=_number(values, "write_block", 1, 255),
            read_blocks=_numbers(values, "read_blocks", 1, 256),
            unreadable=frozenset(_numbers(values, "unreadable", 0, 0xFFFF)),
            tags=Tags(_number(_exactly(Tags, values["tags"], path, "tags."), "access_keys", 1, 255)),
            timeouts_s=_timeouts(_exactly(Timeouts, values["timeouts_s"], path, "timeouts_s.")),
        )
    except (TypeError, ValueError) as exc:
        raise exc if isinstance(exc, ProfileError) else ProfileError(f"{path}: {exc}") from exc
    if not 5 <= len(profile.aid) <= 16 or not profile.read_blocks:
        raise ProfileError(f"{path}: aid has 5 to 16 bytes, read_blocks at least one size")
    return profile


def _exactly(kind: type, raw: Any, path: Path, prefix: str) -> Mapping[str, Any]:
    """The table `raw`, once it has the fields of `kind` as keys and no others."""
    if not isinstance(raw, Mapping):
        raise ProfileError(f"{path}: {prefix.rstrip('.')} must be a table")
    wanted = {field.name for field in fields(kind)}
    for key in sorted(wanted ^ raw.keys()):
        fault = "missing" if key in wanted else f"unknown (known: {', '.join(sorted(wanted))})"
        raise ProfileError(f"{path}: key {prefix}{key} is {fault}")
    return raw


def _number(values: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = values[key]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{key} is a whole number from {least} to {most}, not {value!r}")
    return value


def _numbers(values: Mapping[str, Any], key: str, least: int, most: int) -> tuple[int, ...]:
    if not isinstance(values[key], list):
        raise ValueError(f"{key} is a list of whole numbers")
    return tuple(_number({key: each}, key, least, most) for each in values[key])


def _timeouts(values: Mapping[str, Any]) -> Timeouts:
    for key, value in values.items():
        if not isinstance(value, int | float) or not 0 < value <= 60:
            raise ValueError(f"timeouts_s.{key} is a number of seconds up to 60, not {value!r}")
    return Timeouts(**values)
