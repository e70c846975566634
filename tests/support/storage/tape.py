"""What a program asks of its disk, in order. Paths are relative to the root that is taped."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    SYNC_FAILED = "sync failed"
    SYNC_FOLDER = "sync folder"
    RENAME = "rename"
    UNLINK = "unlink"
    MAKE_FOLDER = "make folder"
    REMOVE_FOLDER = "remove folder"
    NOTE = "note"  # of the test's own: the disk hears nothing


@dataclass(frozen=True, slots=True)
class Op:
    """`file` is the file's identity, whatever its name; `size` the length that a truncation leaves."""

    kind: Kind
    path: str = ""
    to: str = ""
    file: int = 0
    at: int = 0
    size: int = 0
    data: bytes = b""
    note: Any = None

    def __str__(self) -> str:
        told = f"{self.at}+{len(self.data)}" if self.kind is Kind.WRITE else self.to
        return f"{self.kind} {self.path} {told}".strip()


Fault = Callable[[Op], int]
"""The errno that an operation fails with; 0: it succeeds."""


def no_fault(_: Op) -> int:
    return 0


class Tape:
    """The operations under `root`, an empty folder unless the tape is told what it `knows`."""

    def __init__(self, root: Path, fault: Fault = no_fault) -> None:
        self.root = str(root.resolve())
        self.ops: list[Op] = []
        self.fault = fault
        self._names: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._numbers = count(1)

    def inside(self, path: str | os.PathLike[str]) -> str | None:
        """The path from the root; None: it is not ours."""
        whole = os.path.abspath(os.fspath(path))  # noqa: PTH100 - no link is followed
        if whole == self.root:
            return ""
        return whole[len(self.root) + 1 :] if whole.startswith(self.root + "/") else None

    def knows(self, image: Mapping[str, bytes | None]) -> None:
        """What lay there before; identities as `Disk.of` gives them."""
        for path, file in identities(image).items():
            self._names[path], self._paths[file] = file, path

    def note(self, note: Any) -> None:
        self.ops.append(Op(Kind.NOTE, note=note))

    def refuses(self, kind: Kind, path: str = "", file: int = 0) -> int:
        """The errno with which this one is to fail, or 0."""
        return self.fault(Op(kind, path or self._paths.get(file, ""), file=file))

    def opened(self, path: str, is_new: bool) -> int:
        """The identity of an open file."""
        if is_new:
            self._names[path] = next(self._numbers)
            self._paths[self._names[path]] = path
            self.ops.append(Op(Kind.CREATE, path, file=self._names[path]))
        return self._names[path]

    def wrote(self, file: int, at: int, data: bytes) -> None:
        self.ops.append(Op(Kind.WRITE, self._paths[file], file=file, at=at, data=data))

    def truncated(self, file: int, size: int) -> None:
        self.ops.append(Op(Kind.TRUNCATE, self._paths[file], file=file, size=size))

    def synced(self, file: int, failed: bool = False) -> None:
        kind = Kind.SYNC_FAILED if failed else Kind.SYNC
        self.ops.append(Op(kind, self._paths[file], file=file))

    def synced_folder(self, path: str) -> None:
        self.ops.append(Op(Kind.SYNC_FOLDER, path))

    def renamed(self, path: str, to: str) -> None:
        file = self._names.pop(path)
        self._names[to], self._paths[file] = file, to
        self.ops.append(Op(Kind.RENAME, path, to, file))

    def unlinked(self, path: str) -> None:
        self.ops.append(Op(Kind.UNLINK, path, file=self._names.pop(path)))

    def made_folder(self, path: str) -> None:
        self.ops.append(Op(Kind.MAKE_FOLDER, path))

    def removed_folder(self, path: str) -> None:
        self.ops.append(Op(Kind.REMOVE_FOLDER, path))


def identities(image: Mapping[str, bytes | None]) -> dict[str, int]:
    """A number below -1 for every file of an image; -1 for its folders."""
    return {
        path: -1 if content is None else -2 - number
        for number, (path, content) in enumerate(sorted(image.items()))
    }


@dataclass
class Failing:
    """From the `first` operation of `kinds` on, `times` of them fail with `error`."""

    first: int
    error: int
    times: int = 1
    kinds: frozenset[Kind] = frozenset(
        {Kind.CREATE, Kind.WRITE, Kind.SYNC, Kind.SYNC_FOLDER, Kind.RENAME, Kind.MAKE_FOLDER}
    )
    seen: int = 0

    def __call__(self, op: Op) -> int:
        if self.error == errno.ENOSPC and op.kind not in NEEDS_ROOM:
            return 0
        if op.kind not in self.kinds:
            return 0
        self.seen += 1
        return self.error if self.first <= self.seen < self.first + self.times else 0

    def again(self) -> Failing:
        return replace(self, seen=0)


NEEDS_ROOM = frozenset({Kind.CREATE, Kind.WRITE, Kind.MAKE_FOLDER})
"""What a full disk refuses. With delayed allocation a sync may too: that is EIO's case."""
