"""Files that are there after a power cut: written beside, fsynced, renamed, and their folder fsynced."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from firmware.records.errors import DiskFull, StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
TEMPORARY = ".tmp"


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn an OSError into DiskFull or StoreError."""
    try:
        yield
    except OSError as exc:
        raise (DiskFull if exc.errno in _FULL else StoreError)(doing) from exc


def make_folder(path: Path) -> None:
    """Make `path` (mode 0700) durably; its parent exists."""
    with translated("make a folder"):
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(path.parent)


def write(path: Path, data: bytes) -> None:
    """Write `path` (mode 0600) whole or not at all; durable on return. Raises DiskFull, StoreError."""
    beside = path.with_name(path.name + TEMPORARY)
    with translated("write a file"):
        try:
            _fill(beside, data)
            beside.rename(path)
            _sync_folder(path.parent)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def read(path: Path) -> bytes:
    with translated("read a file"):
        return path.read_bytes()


def remove(*paths: Path) -> None:
    """Remove files of one folder durably; they may be gone already."""
    with translated("remove a file"):
        for path in paths:
            path.unlink(missing_ok=True)
        if paths:
            _sync_folder(paths[0].parent)


def prove_room(folder: Path, size: int) -> None:
    """Show that `size` more bytes can be written into `folder`, durably. Raises DiskFull, StoreError."""
    room = folder / "room"
    try:
        write(room, bytes(size))
    finally:
        remove(room)


def overwrite_and_remove(path: Path) -> None:
    """Remove a key durably, its bytes overwritten first.

    Overwriting is best effort: flash may keep the old block, and a full disk may have no room for zeros.
    """
    with contextlib.suppress(OSError):
        _fill(path, bytes(path.stat().st_size))
    remove(path)


def _fill(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.ftruncate(file.fileno(), len(data))
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
