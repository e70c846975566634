"""Files that survive a power cut: a write reaches the disk, and so does its folder's entry."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from centre.errors import CentreSetupError


def make_folder(path: Path, mode: int = 0o755) -> None:
    path.mkdir(mode=mode, parents=True, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Make names added to or removed from `path` durable (fsync(2) on the directory)."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file that must not exist yet. Raises CentreSetupError if it does."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as exc:
        raise CentreSetupError(f"{path} exists already and is left as it is") from exc
    _fill(handle, data)
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `path` in one step: a reader sees the old bytes or the new ones, never a part."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _fill(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), data)
    beside.replace(path)
    sync_folder(path.parent)


def replace_quickly(path: Path, data: bytes, mode: int = 0o644) -> None:
    """As `write_whole` for readers, but a power cut may bring the old bytes back or leave none."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    beside.replace(path)


def _fill(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
