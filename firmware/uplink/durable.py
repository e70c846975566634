"""Files of the uplink that survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex


def write_durably(path: Path, data: bytes) -> None:
    """Write `path` (mode 0600) and return when its bytes are on the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, whole or not at all."""
    beside = path.with_name(f".{path.name}.{token_hex(8)}.new")
    write_durably(beside, data)
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make names added to or removed from `path` durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
