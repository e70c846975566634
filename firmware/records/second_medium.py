"""A copy of each unsent sealed record on a second medium, where one is configured: a stick, another disk.

The copies are the same files under the same names, encrypted to the centre; they go when its receipt is
here. A medium that is missing, full or broken stops nobody: what lacks its copy is counted, and copied later.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from firmware.records import disk, sidecar
from firmware.records.audit import Audit
from firmware.records.database import Database
from firmware.records.errors import StoreDamaged, StoreError
from firmware.records.sidecar import HEAD, SEALED


class Copies:
    """The second copies of a journal's unsent records; nothing is done and missing where none are wanted."""

    def __init__(self, db: Database, audit: Audit, medium: SecondMedium | None) -> None:
        self._db, self._audit, self._medium = db, audit, medium

    def sealed(self, sequence: int, stem: str) -> None:
        """A record was sealed: copy it now. What hinders it goes into the audit log, and nobody waits."""
        if self._medium is None:
            return
        try:
            self._medium.keep(stem)
        except StoreError as exc:
            about = {"sequence": sequence, "reason": exc.reason}
            self._audit.append("kiosk", "second_copy_failed", None, about)

    def missing(self) -> int:
        """How many unsent records have no second copy, though they should."""
        return len(self._medium.missing(self._unsent())) if self._medium else 0

    def level(self) -> int:
        """Copy what has no copy, remove what needs none; return how many are missing still."""
        if self._medium is not None:
            try:
                self._medium.level(self._unsent())
            except StoreError:
                return self.missing()
        return 0

    def _unsent(self) -> list[str]:
        with self._db.reading() as connection:
            rows = connection.execute("SELECT sequence, record_digest FROM sealed WHERE acked_at IS NULL")
            return [f"{row['sequence']:08d}-{row['record_digest']}" for row in rows]


class SecondMedium:
    """The folder `folder`, which must be there: it is never made, for then it would lie on the first medium.

    `apart`: it must also be another file system than `outbox`, as a mounted stick is.
    """

    def __init__(self, folder: Path, outbox: Path, apart: bool) -> None:
        self._folder, self._outbox, self._apart = folder, outbox, apart

    def keep(self, stem: str) -> None:
        """Copy a sealed record and its sidecar, and read them back. Raises StoreError."""
        self._demand()
        for ending in (HEAD, SEALED):
            data = disk.read(self._outbox / f"{stem}{ending}")
            disk.write(self._folder / f"{stem}{ending}", data)
            if disk.read(self._folder / f"{stem}{ending}") != data:
                raise StoreDamaged("read back a second copy")

    def missing(self, stems: Iterable[str]) -> list[str]:
        """Those without a copy, by name and size; all of them while the medium is away."""
        try:
            self._demand()
        except StoreError:
            return list(stems)
        return [stem for stem in stems if not all(self._is_there(stem, ending) for ending in (HEAD, SEALED))]

    def level(self, stems: Iterable[str]) -> None:
        """Copy what is missing, and remove what is no longer unsent. Raises what `keep` raises."""
        unsent = set(stems)
        for stem in sorted(self.missing(unsent)):
            self.keep(stem)
        with disk.translated("list the second medium"):
            there = [path for path in self._folder.iterdir() if sidecar.stem_of(path) is not None]
        disk.remove(*(path for path in there if _stem(path) not in unsent))

    def _demand(self) -> None:
        with disk.translated("look for the second medium"):
            status = self._folder.stat()
            apart = status.st_dev != self._outbox.stat().st_dev
        if self._apart and not apart:
            raise StoreError("find the second medium: nothing is mounted there")

    def _is_there(self, stem: str, ending: str) -> bool:
        try:
            here, there = self._outbox / f"{stem}{ending}", self._folder / f"{stem}{ending}"
            return here.stat().st_size == there.stat().st_size
        except OSError:
            return False


def _stem(path: Path) -> str:
    return path.name.removesuffix(HEAD).removesuffix(SEALED)
