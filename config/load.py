"""Reads the TOML layers of a box: default.toml, then the board's file, then the site's own.

An unknown key, a wrong type or a value out of its limits ends with a `ConfigError` that names the file,
the key and what is allowed. Standard library only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from config.schema import Config

HERE = Path(__file__).parent


class ConfigError(Exception):
    """A configuration that cannot be used; the message says where and what would be right."""


def load(*layers: Path, board: str | None = None) -> Config:
    """Return the configuration of default.toml, the board `config/boards/<board>.toml`, then each layer."""
    config = overlaid(Config(), HERE / "default.toml")
    if board is not None:
        config = overlaid(config, named("boards", board))
    for layer in layers:
        config = overlaid(config, layer)
    return config


def named(folder: str, name: str) -> Path:
    """Return the file `name`.toml in a folder of config/, or say which names there are."""
    known = sorted(path.stem for path in (HERE / folder).glob("*.toml"))
    if name not in known:
        raise ConfigError(f"config/{folder}: there is no {name!r}; there are: {', '.join(known)}")
    return HERE / folder / f"{name}.toml"


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: no such file") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc


def overlaid(config: Config, path: Path) -> Config:
    """Return `config` with what the file at `path` says."""
    tables = read_toml(path)
    allowed = [section.name for section in fields(Config)]
    changed: dict[str, Any] = {}
    for name, values in tables.items():
        if name not in allowed:
            raise ConfigError(f"{path}: unknown table [{name}]; allowed: {', '.join(allowed)}")
        if not isinstance(values, Mapping):
            raise ConfigError(f"{path}: {name} must be a table, written [{name}]")
        changed[name] = _section(path, name, getattr(config, name), values)
    return replace(config, **changed)


def _section(path: Path, name: str, section: Any, values: Mapping[str, Any]) -> Any:
    known = {field.name: field for field in fields(section)}
    hints = get_type_hints(type(section))
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{path}: [{name}] unknown key {key!r}; allowed: {', '.join(known)}")
        _check(f"{path}: [{name}] {key}", hints[key], known[key], value)
    typed = {key: float(value) if hints[key] is float else value for key, value in values.items()}
    return replace(section, **typed)


def _check(where: str, hint: Any, field: Field[Any], value: Any) -> None:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ConfigError(f"{where} = {value!r}; allowed: {', '.join(get_args(hint))}")
        return
    accepted = (int, float) if hint is float else (hint,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where} = {value!r}; must be of type {hint.__name__}")
    low, high = field.metadata.get("limits", (None, None))
    if low is not None and not low <= value <= high:
        raise ConfigError(f"{where} = {value!r}; allowed: {low:g} to {high:g}")
