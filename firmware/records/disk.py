"""Files that are there after a power cut: written beside, fsynced, renamed, and their folder fsynced."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware.records.errors import DiskFull, StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
TEMPORARY = ".tmp"
AT_ONCE = 16
"""Files of a batch that are open at one time."""


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


def read_back(path: Path) -> bytes:
    """What the medium holds: the kernel is asked to forget what it was given to write."""
    with translated("read a file back"), path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file.read()


class Batch:
    """Many new files, each whole or not there; all are durable once the block has ended.

    They are synced some at a time and their folders once: a third of the time that `write` takes for each.
    """

    def __init__(self) -> None:
        self._open: list[tuple[int, Path, str]] = []
        self._folders: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is open when the block fails is closed; its half-written file stays beside (`TEMPORARY`)."""
        try:
            if error is None:
                self._settle()
                with translated("write files"):
                    for folder in self._folders:
                        _sync_folder(folder)
        finally:
            for handle, _, _ in self._open:
                os.close(handle)

    def add(self, path: Path, data: bytes, digest: str = "") -> None:
        """Write `path` (mode 0600); with its SHA-256 it is read back once it is there.

        Raises DiskFull, StoreError, for an earlier file too.
        """
        with translated("write a file"):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            handle = os.open(path.with_name(path.name + TEMPORARY), flags, 0o600)
            self._open.append((handle, path, digest))
            _write_all(handle, data)
        if len(self._open) == AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        while self._open:
            handle, path, digest = self._open[0]
            with translated("write a file"):
                os.fsync(handle)
                os.close(handle)
                del self._open[0]
                path.with_name(path.name + TEMPORARY).rename(path)
                self._folders.add(path.parent)
            if digest and sha256(read_back(path)).hexdigest() != digest:
                raise StoreError("read a file back")


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


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
