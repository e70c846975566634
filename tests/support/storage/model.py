"""What may be left of a disk after a power cut.

    a file's bytes      certain once the file was synced; until then each write may have come or not,
                        wholly or torn, whatever came of those before and after it
    a name in a folder  certain once the folder was synced; until then each creation, renaming and
                        removal may have come or not; one of them alone is never half done
    a failed sync       what it should have brought may be lost for ever, though a later sync succeeds

A torn write spoils nothing but its own bytes ("powersafe overwrite", as SQLite takes it on Linux).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.storage.fates import Fate
from support.storage.tape import Kind, Op, identities

Image = Mapping[str, bytes | None]
"""What lies under the root by path; None is a folder."""


@dataclass
class Pending:
    """Whether it is on the disk for certain, or can no longer be brought there for certain."""

    op: Op
    certain: bool = False
    doomed: bool = False


@dataclass
class File:
    """`durable` is what lies on the disk for certain; `pending` what came after it, in order."""

    durable: bytes = b""
    pending: list[Pending] = field(default_factory=list)

    def synced(self, failed: bool) -> None:
        for each in self.pending:
            if failed:
                each.doomed = not each.certain
            elif not each.doomed:
                each.certain = True
        settled = 0
        while settled < len(self.pending) and self.pending[settled].certain:
            settled += 1
        if settled:
            content = bytearray(self.durable)
            for each in self.pending[:settled]:
                _change(content, each.op)
            self.durable, self.pending = bytes(content), self.pending[settled:]

    def now(self) -> bytes:
        """What a reader sees while there is power."""
        if not self.pending:
            return self.durable
        content = bytearray(self.durable)
        for each in self.pending:
            _change(content, each.op)
        return bytes(content)

    def after(self, fate: Fate) -> bytes:
        if not self.pending:
            return self.durable
        content = bytearray(self.durable)
        for each in self.pending:
            if each.certain or fate.comes(each.op):
                if each.certain or each.op.kind is not Kind.WRITE or not fate.torn(each.op):
                    _change(content, each.op)
                else:
                    _tear(content, each.op, fate)
        return bytes(content)


@dataclass
class Folder:
    """Names here; -1 stands for a folder."""

    durable: dict[str, int] = field(default_factory=dict)
    pending: list[Op] = field(default_factory=list)

    def synced(self) -> None:
        for op in self.pending:
            _rename(self.durable, op)
        self.pending.clear()

    def now(self) -> dict[str, int]:
        names = dict(self.durable)
        for op in self.pending:
            _rename(names, op)
        return names

    def after(self, fate: Fate) -> dict[str, int]:
        names = dict(self.durable)
        for op in self.pending:
            if fate.comes(op):
                _rename(names, op)
        return names


class Disk:
    """An empty root folder, and what was done to it since."""

    def __init__(self) -> None:
        self._files: dict[int, File] = {}
        self._folders: dict[str, Folder] = {"": Folder()}

    @classmethod
    def of(cls, image: Image) -> Disk:
        """A disk on which all of `image` is certain, its files numbered by `identities`."""
        disk = cls()
        for path, file in identities(image).items():
            parent, _, name = path.rpartition("/")
            content = image[path]
            disk._folders[parent].durable[name] = file
            if content is None:
                disk._folders[path] = Folder()
            else:
                disk._files[file] = File(content)
        return disk

    def do(self, op: Op) -> None:
        match op.kind:
            case Kind.WRITE | Kind.TRUNCATE:
                self._files[op.file].pending.append(Pending(op))
            case Kind.SYNC | Kind.SYNC_FAILED:
                self._files[op.file].synced(op.kind is Kind.SYNC_FAILED)
            case Kind.SYNC_FOLDER:
                self._folders[op.path].synced()
            case Kind.CREATE:
                self._files[op.file] = File()
                self._parent(op).pending.append(op)
            case Kind.RENAME | Kind.UNLINK | Kind.REMOVE_FOLDER:
                self._parent(op).pending.append(op)
            case Kind.MAKE_FOLDER:
                self._folders[op.path] = Folder()
                self._parent(op).pending.append(op)
            case Kind.NOTE:
                pass

    def now(self) -> Image:
        """What a reader sees while there is power: what is left when only the program is killed."""
        return dict(self._walk("", None))

    def after(self, fate: Fate) -> Image:
        """What is left when the power is cut now."""
        return dict(self._walk("", fate))

    @property
    def uncertain(self) -> int:
        """How many operations may still be lost."""
        files = sum(not each.certain for file in self._files.values() for each in file.pending)
        return files + sum(len(folder.pending) for folder in self._folders.values())

    def _walk(self, path: str, fate: Fate | None) -> Iterator[tuple[str, bytes | None]]:
        folder = self._folders[path]
        names = folder.after(fate) if fate else folder.now()
        for name, file in names.items():
            inside = f"{path}/{name}" if path else name
            if file == -1:
                yield inside, None
                yield from self._walk(inside, fate)
            else:
                yield inside, self._files[file].after(fate) if fate else self._files[file].now()

    def _parent(self, op: Op) -> Folder:
        parent = op.path.rpartition("/")[0]
        assert op.kind is not Kind.RENAME or op.to.rpartition("/")[0] == parent, "renamed across folders"
        return self._folders[parent]


def lay_out(image: Image, root: Path) -> None:
    """Write an image into a real folder."""
    for path, content in sorted(image.items()):
        if content is None:
            (root / path).mkdir(0o700)
        else:
            (root / path).write_bytes(content)


def found_in(root: Path, without: tuple[str, ...] = ("-shm",)) -> Image:
    """A real folder as an image."""
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
        if not path.name.endswith(without)
    }


def _change(content: bytearray, op: Op) -> None:
    size = op.size if op.kind is Kind.TRUNCATE else op.at
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if op.kind is Kind.TRUNCATE:
        del content[op.size :]
    else:
        content[op.at : op.at + len(op.data)] = op.data


def _tear(content: bytearray, op: Op, fate: Fate) -> None:
    if len(content) < op.at:
        content.extend(bytes(op.at - len(content)))
    for start, end, instead in fate.pieces(len(op.data)):
        at = op.at + start
        if len(content) < at:
            content.extend(bytes(at - len(content)))
        content[at : op.at + end] = instead or op.data[start:end]


def _rename(names: dict[str, int], op: Op) -> None:
    name = op.path.rpartition("/")[2]
    if op.kind is Kind.CREATE:
        names[name] = op.file
    elif op.kind is Kind.MAKE_FOLDER:
        names[name] = -1
    elif op.kind is Kind.RENAME:
        if names.get(name) == op.file:
            del names[name]
        names[op.to.rpartition("/")[2]] = op.file
    elif op.kind is Kind.REMOVE_FOLDER or names.get(name) == op.file:
        names.pop(name, None)
