"""Reads the TOML layers of a box: default.toml, then the board's file, then the site's own.

An unknown key, a wrong type or a value out of its limits ends with a `ConfigError` that names the file,
the key and what is allowed. Standard library only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from config.schema import Config

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Table = TypeVar("Table", bound=DataclassInstance)

HERE = Path(__file__).parent
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", date: "a date"}


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


def overlaid(config: Config, path: Path) -> Config:
    """Return `config` with what the file at `path` says."""
    return replace(config, **_checked(Config, f"{path}:", read_toml(path), config))


def whole(kind: type[Table], path: Path) -> Table:
    """Return the dataclass `kind` from a file that says every key without a default, and no other."""
    return filled(kind, f"{path}:", read_toml(path))


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: no such file") from exc
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc


def filled(kind: type[Table], where: str, values: Mapping[str, Any]) -> Table:
    """Return the dataclass `kind` from a table of a file; `where` ("file: [table]") begins its errors."""
    read = _checked(kind, where, values, None)
    wanted = [field.name for field in fields(kind) if field.default is MISSING]
    if missing := [name for name in wanted if name not in read]:
        raise ConfigError(f"{where} missing: {', '.join(missing)}")
    return kind(**read)


def _checked(kind: type[Table], where: str, values: Mapping[str, Any], old: Table | None) -> dict[str, Any]:
    """The values of a table as fields of `kind`; a table within it is laid over that of `old`."""
    known, hints = {field.name: field for field in fields(kind)}, get_type_hints(kind)
    read = {}
    for key, value in values.items():
        if key not in known:
            what = f"table [{key}]" if isinstance(value, Mapping) else f"key {key!r}"
            raise ConfigError(f"{where} unknown {what}; allowed: {', '.join(known)}")
        if is_dataclass(hints[key]):
            read[key] = _table(hints[key], _within(where, key), value, getattr(old, key, None))
        else:
            read[key] = _value(hints[key], f"{where} {key}", known[key], value)
    return read


def _table(kind: type[Table], where: str, value: Any, old: Table | None) -> Table:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table, not a value")
    return filled(kind, where, value) if old is None else replace(old, **_checked(kind, where, value, old))


def _within(where: str, key: str) -> str:
    """`file: [fingers.threshold]` from `file: [fingers]` and `threshold`."""
    return f"{where[:-1]}.{key}]" if where.endswith("]") else f"{where} [{key}]"


def _value(hint: Any, where: str, field: Field[Any], value: Any) -> Any:
    """`value` as the type `hint` says: a literal, a tuple, a type, or one of these or None."""
    if isinstance(hint, UnionType):
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ConfigError(f"{where} = {value!r}; allowed: {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or not value:
            raise ConfigError(f"{where} = {value!r}; must be a list in [ ] with at least one entry")
        return tuple(_value(get_args(hint)[0], where, field, entry) for entry in value)
    if type(value) is not hint and not (hint is float and type(value) is int):
        raise ConfigError(f"{where} = {value!r}; must be {_NAMES[hint]}")
    low, high = field.metadata.get("limits", (None, None))
    if low is not None and not low <= value <= high:
        raise ConfigError(f"{where} = {value!r}; allowed: {low:g} to {high:g}")
    return hint(value) if hint is float else value
