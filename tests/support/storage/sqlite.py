"""The SQLite that the product uses, taped below its cache: a VFS in the library that `sqlite3` loaded.

It is SQLite's own unix VFS but for the calls that change a file: those are told to the tape, or fail as it
says. Locks are not taped, nor the shared index of the log (`-shm`): nothing of it is read after a power cut.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.storage.tape import Kind, Tape

PTR, INT, LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
OPEN = ctypes.CFUNCTYPE(
    INT, PTR, PTR, PTR, INT, PTR
)  # the name stays SQLite's own: the file keeps the pointer
DELETE = ctypes.CFUNCTYPE(INT, PTR, ctypes.c_char_p, INT)
CLOSE = ctypes.CFUNCTYPE(INT, PTR)
WRITE = ctypes.CFUNCTYPE(INT, PTR, PTR, INT, LONG)
TRUNCATE = ctypes.CFUNCTYPE(INT, PTR, LONG)
SYNC = ctypes.CFUNCTYPE(INT, PTR, INT)
GET_CALL = ctypes.CFUNCTYPE(PTR, PTR, ctypes.c_char_p)
SET_CALL = ctypes.CFUNCTYPE(INT, PTR, ctypes.c_char_p, PTR)
OPEN_FOLDER = ctypes.CFUNCTYPE(INT, ctypes.c_char_p, ctypes.POINTER(INT))
OPEN_FOLDER_NAME = b"openDirectory"
IOERR = {"write": 778, "sync": 1034, "truncate": 1546, "delete": 2570, "folder": 1290}
FULL, CANTOPEN = sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN


class Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3 (sqlite.org/c3ref/vfs.html)."""

    _fields_ = [
        ("iVersion", INT), ("szOsFile", INT), ("mxPathname", INT), ("pNext", PTR), ("zName", ctypes.c_char_p),
        ("pAppData", PTR), ("xOpen", PTR), ("xDelete", PTR), ("xAccess", PTR), ("xFullPathname", PTR),
        ("xDlOpen", PTR), ("xDlError", PTR), ("xDlSym", PTR), ("xDlClose", PTR), ("xRandomness", PTR),
        ("xSleep", PTR), ("xCurrentTime", PTR), ("xGetLastError", PTR), ("xCurrentTimeInt64", PTR),
        ("xSetSystemCall", PTR), ("xGetSystemCall", PTR), ("xNextSystemCall", PTR),
    ]  # fmt: skip


class Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3 (sqlite.org/c3ref/io_methods.html)."""

    _fields_ = [
        ("iVersion", INT),
        *(
            (name, PTR)
            for name in (
                "xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock", "xUnlock",
                "xCheckReservedLock", "xFileControl", "xSectorSize", "xDeviceCharacteristics", "xShmMap",
                "xShmLock", "xShmBarrier", "xShmUnmap", "xFetch", "xUnfetch",
            )
        ),
    ]  # fmt: skip


def library() -> ctypes.CDLL:
    """The very library that the module `sqlite3` calls. OSError where Python carries SQLite inside itself."""
    found = ctypes.CDLL(_sqlite3.__file__)
    found.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
    found.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    found.sqlite3_vfs_register.argtypes = [ctypes.POINTER(Vfs), INT]
    found.sqlite3_vfs_unregister.argtypes = [ctypes.POINTER(Vfs)]
    return found


@contextmanager
def taped_sqlite(tape: Tape) -> Iterator[None]:
    """Every connection that is opened and closed in the block is taped."""
    shim = _Shim(tape)
    shim.register()
    try:
        yield
    finally:
        shim.unregister()


class _Shim:
    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._library = library()
        self._unix = self._library.sqlite3_vfs_find(b"unix")
        self._vfs = Vfs.from_buffer_copy(self._unix.contents)
        self._vfs.zName = b"taped"
        self._files: dict[int, int] = {}
        self._methods: dict[int, Methods] = {}
        self._real: dict[int, Methods] = {}  # by file
        self._folders: list[str] = []
        self._kept: list[Any] = []  # callbacks must outlive their registration
        self._vfs.xOpen = self._pointer(OPEN, self._open)
        self._vfs.xDelete = self._pointer(DELETE, self._delete)

    def register(self) -> None:
        unix = self._unix.contents
        self._folder_call = GET_CALL(unix.xGetSystemCall)(self._unix, OPEN_FOLDER_NAME)
        watched = self._pointer(OPEN_FOLDER, self._open_folder)
        SET_CALL(unix.xSetSystemCall)(self._unix, OPEN_FOLDER_NAME, watched)
        assert self._library.sqlite3_vfs_register(self._vfs, 1) == 0

    def unregister(self) -> None:
        assert not self._files, "a connection outlives the tape"
        self._library.sqlite3_vfs_unregister(self._vfs)
        self._library.sqlite3_vfs_register(self._unix, 1)
        SET_CALL(self._unix.contents.xSetSystemCall)(self._unix, OPEN_FOLDER_NAME, self._folder_call)

    # --- the calls, as SQLite makes them -------------------------------------------------------------

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        inside = self._tape.inside(path) if path else None
        is_new = inside is not None and not Path(path).exists()
        if is_new and self._tape.refuses(Kind.CREATE, inside or ""):
            return int(CANTOPEN)
        code = int(OPEN(self._unix.contents.xOpen)(vfs, name, file, flags, out))
        if code == 0 and inside is not None:
            self._files[file] = self._tape.opened(inside, is_new)
            self._dress(file)
        return code

    def _dress(self, file: int) -> None:
        """Put our methods in the place of the file's own."""
        first = PTR.from_address(file)
        real = first.value or 0
        if real not in self._methods:
            ours = Methods.from_buffer_copy(Methods.from_address(real))
            ours.xClose = self._pointer(CLOSE, self._close)
            ours.xWrite = self._pointer(WRITE, self._write)
            ours.xTruncate = self._pointer(TRUNCATE, self._truncate)
            ours.xSync = self._pointer(SYNC, self._sync)
            self._methods[real] = ours
        self._real[file] = Methods.from_address(real)
        first.value = ctypes.addressof(self._methods[real])

    def _close(self, file: int) -> int:
        self._files.pop(file)
        real = self._real.pop(file)
        PTR.from_address(file).value = ctypes.addressof(real)
        return int(CLOSE(real.xClose)(file))

    def _write(self, file: int, data: int, size: int, at: int) -> int:
        error = self._tape.refuses(Kind.WRITE, file=self._files[file])
        done = size // 2 if error else size
        code = int(WRITE(self._real[file].xWrite)(file, data, done, at))
        if code == 0:
            self._tape.wrote(self._files[file], at, ctypes.string_at(data, done))
        return (FULL if error == errno.ENOSPC else IOERR["write"]) if error else code

    def _truncate(self, file: int, size: int) -> int:
        code = int(TRUNCATE(self._real[file].xTruncate)(file, size))
        if code == 0:
            self._tape.truncated(self._files[file], size)
        return code

    def _sync(self, file: int, flags: int) -> int:
        if self._tape.refuses(Kind.SYNC, file=self._files[file]):
            self._tape.synced(self._files[file], failed=True)
            return IOERR["sync"]
        self._folders.clear()
        code = int(SYNC(self._real[file].xSync)(file, flags))
        if code == 0:
            self._tape.synced(self._files[file])
            self._tell_folders()
        return code

    def _delete(self, vfs: int, name: bytes, and_sync: int) -> int:
        inside = self._tape.inside(name.decode())
        there = Path(name.decode()).exists()
        self._folders.clear()
        code = int(DELETE(self._unix.contents.xDelete)(vfs, name, and_sync))
        if code == 0 and inside is not None and there:
            self._tape.unlinked(inside)
            self._tell_folders()
        return code

    def _open_folder(self, name: bytes, handle: Any) -> int:
        """SQLite opens a folder for one thing only: to sync it, before the present call ends."""
        self._folders.append(str(Path(name.decode()).parent))
        return int(OPEN_FOLDER(self._folder_call)(name, handle))

    def _tell_folders(self) -> None:
        for folder in self._folders:
            if (inside := self._tape.inside(folder)) is not None:
                self._tape.synced_folder(inside)

    def _pointer(self, kind: Any, call: Callable[..., int]) -> int:
        made = kind(call)
        self._kept.append(made)
        return ctypes.cast(made, PTR).value or 0
