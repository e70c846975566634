"""The folder of a virtual station: ours by a marker file, and held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARKER = ".kiosk-demo"


class FolderRefused(Exception):
    """Nothing may be put into or removed from this folder; the text says why."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make `folder` or take over one that an earlier run has marked; nobody else gets it meanwhile.

    Raises FolderRefused for other people's files, a folder in use, and one that cannot be written.
    """
    lock = _marked(folder)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise FolderRefused(f"{folder} is already in use by another demo or station") from exc
        yield
    finally:
        os.close(lock)


def _marked(folder: Path) -> int:
    """The open marker of a folder that is ours to use."""
    marker = folder / MARKER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not marker.exists() and any(folder.iterdir()):
            raise FolderRefused(
                f"{folder} is not empty and no demo made it (it has no {MARKER}): name another --folder"
            )
        return os.open(marker, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise FolderRefused(f"{folder} cannot be used ({exc.strerror}): name another --folder") from exc
