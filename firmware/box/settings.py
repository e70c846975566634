"""The box's own TOML file: what the centre says of the site is laid over what the machine's file said.

A reader's name or a panel's size stays as the set-up wrote it; where the box stands comes from the centre.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from config.load import ConfigError, filled, load, read_toml
from config.schema import Config
from firmware.uplink.durable import replace_durably

DATA = "/var/lib/idkiosk"
"""As deploy/install lays a box out."""
DEVICE = "device:/dev/tpmrm0"
"""The kernel's own resource manager: where a box's TPM is, if nobody says otherwise."""
HEAD = "# Written by `kiosk box provision`: what the centre says, over what was in this file before.\n"
MODE = 0o640

Tables = dict[str, dict[str, Any]]


def merged(path: Path, site: bytes, data: Path | None, tpm: bool) -> bytes:
    """The text that `path` is to hold. Raises ConfigError for what no box can be set to."""
    tables: Tables = {**(read_toml(path) if path.exists() else {})}
    try:
        said = tomllib.loads(site.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"kiosk.toml of the stick is not TOML: {exc}") from exc
    filled(Config, "kiosk.toml of the stick:", said)
    for name, table in (*said.items(), *_own(tables, data, tpm)):
        tables[name] = {**tables.get(name, {}), **table}
    filled(Config, f"{path}:", tables)
    return (HEAD + "".join(_lines(tables))).encode()


def profile_of(path: Path) -> str:
    """What the file says now; "" where there is none. Raises ConfigError."""
    return load(path).station.profile if path.exists() else ""


def data_of(path: Path) -> Path:
    """The data folder by the file as it is now. Raises ConfigError."""
    said = read_toml(path).get("station", {}).get("data") if path.exists() else None
    return Path(str(said or DATA))


def keep(path: Path, text: bytes) -> bool:
    """Write the file, owned and readable as before; False when it holds this already. Raises OSError."""
    if path.exists() and path.read_bytes() == text:
        return False
    former = path.stat() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(path, text)
    path.chmod(former.st_mode & 0o777 if former else MODE)
    if former and os.geteuid() == 0:
        os.chown(path, former.st_uid, former.st_gid)
    return True


def _own(tables: Mapping[str, Mapping[str, Any]], data: Path | None, tpm: bool) -> Iterator[tuple[str, Any]]:
    if data is not None:
        yield "station", {"data": str(data.resolve())}
    elif not tables.get("station", {}).get("data"):
        yield "station", {"data": DATA}
    if tpm and not tables.get("tpm", {}).get("tcti"):
        yield "tpm", {"tcti": DEVICE}


def _lines(tables: Tables) -> Iterator[str]:
    """Tables in the schema's order; TOML's basic strings are JSON's."""
    for name in (field.name for field in fields(Config) if field.name in tables):
        yield f"\n[{name}]\n"
        for key, value in tables[name].items():
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
