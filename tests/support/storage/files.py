"""The file calls of Python, taped: `os.open`, `write`, `fsync`, `rename`, … under the tape's root."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pytest

from support.storage.tape import Kind, Tape

_REAL = {
    name: getattr(os, name)
    for name in ("open", "close", "fdopen", "fsync", "ftruncate", "rename", "unlink", "mkdir", "rmdir")
}


@contextmanager
def taped_files(tape: Tape) -> Iterator[None]:
    """Whoever calls `os` or a Path in the block is taped."""
    calls = _Calls(tape)
    with pytest.MonkeyPatch.context() as patch:
        for name in _REAL:
            patch.setattr(os, name, getattr(calls, name))
        patch.setattr(os, "remove", calls.unlink)
        patch.setattr(os, "replace", calls.rename)
        yield


class _Calls:
    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._files: dict[int, int] = {}
        self._folders: dict[int, str] = {}

    def open(self, path: Any, flags: int, *args: Any, **named: Any) -> int:
        inside = self._tape.inside(path) if isinstance(path, str | os.PathLike) else None
        if inside is None:
            return int(_REAL["open"](path, flags, *args, **named))
        is_new = bool(flags & os.O_CREAT) and not os.path.lexists(path)
        if is_new:
            self._demand(Kind.CREATE, inside)
        handle = int(_REAL["open"](path, flags, *args, **named))
        if flags & os.O_DIRECTORY:
            self._folders[handle] = inside
        elif flags & (os.O_WRONLY | os.O_RDWR):
            self._files[handle] = self._tape.opened(inside, is_new)
            if flags & os.O_TRUNC and not is_new:
                self._tape.truncated(self._files[handle], 0)
        return handle

    def close(self, handle: int) -> None:
        self._files.pop(handle, None)
        self._folders.pop(handle, None)
        _REAL["close"](handle)

    def fdopen(self, handle: int, mode: str = "r", *args: Any, **named: Any) -> Any:
        if handle not in self._files:
            return _REAL["fdopen"](handle, mode, *args, **named)
        assert mode == "wb", "the tape knows no other way to write"
        return _Writer(handle, self)

    def write(self, handle: int, at: int, data: bytes) -> None:
        file = self._files[handle]
        error = self._tape.refuses(Kind.WRITE, file=file)
        done = data[: len(data) // 2] if error else data
        if done:
            os.pwrite(handle, done, at)
            self._tape.wrote(file, at, done)
        _fail(error)

    def fsync(self, handle: int) -> None:
        if handle in self._folders:
            self._demand(Kind.SYNC_FOLDER, self._folders[handle])
            _REAL["fsync"](handle)
            self._tape.synced_folder(self._folders[handle])
        elif (file := self._files.get(handle)) is not None:
            error = self._tape.refuses(Kind.SYNC, file=file)
            self._tape.synced(file, failed=bool(error))
            _fail(error)
            _REAL["fsync"](handle)
        else:
            _REAL["fsync"](handle)

    def ftruncate(self, handle: int, size: int) -> None:
        _REAL["ftruncate"](handle, size)
        if handle in self._files:
            self._tape.truncated(self._files[handle], size)

    def rename(self, path: Any, to: Any) -> None:
        self._named(Kind.RENAME, "rename", self._tape.renamed, path, to)

    def unlink(self, path: Any, *args: Any, **named: Any) -> None:
        if named.get("dir_fd") is not None:
            _REAL["unlink"](path, *args, **named)
        else:
            self._named(Kind.UNLINK, "unlink", self._tape.unlinked, path)

    def mkdir(self, path: Any, *args: Any, **named: Any) -> None:
        self._named(Kind.MAKE_FOLDER, "mkdir", lambda inside: self._tape.made_folder(inside), path, rest=args)

    def rmdir(self, path: Any, *args: Any, **named: Any) -> None:
        if named.get("dir_fd") is not None:
            _REAL["rmdir"](path, *args, **named)
        else:
            self._named(Kind.REMOVE_FOLDER, "rmdir", self._tape.removed_folder, path)

    def _named(
        self, kind: Kind, call: str, tell: Callable[..., None], *paths: Any, rest: tuple[Any, ...] = ()
    ) -> None:
        inside = [self._tape.inside(path) for path in paths]
        if None in inside:
            _REAL[call](*paths, *rest)
            return
        self._demand(kind, inside[0] or "")
        _REAL[call](*paths, *rest)
        tell(*inside)

    def _demand(self, kind: Kind, path: str) -> None:
        _fail(self._tape.refuses(kind, path))


class _Writer:
    """A binary file without buffer, from its beginning."""

    def __init__(self, handle: int, calls: _Calls) -> None:
        self._handle, self._calls, self._at = handle, calls, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.close(self._handle)

    def write(self, data: bytes) -> int:
        self._calls.write(self._handle, self._at, bytes(data))
        self._at += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        return self._handle


def _fail(error: int) -> None:
    if error:
        raise OSError(error, f"{os.strerror(error)} ({errno.errorcode[error]}, made up)")
