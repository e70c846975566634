"""`kiosk records verify`: each file of the store is there and whole, and nothing outlived its end.

Needs no secret: sealed files are checked against their digests and signed sidecars, draft files against the
hash that is their name. A record that moves on while it is looked at is looked at again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from firmware.records import disk, sidecar
from firmware.records.errors import StoreDamaged, StoreError
from firmware.records.format.manifest import FIRST
from firmware.records.rebuild import LOST
from firmware.records.shelf import Shelf
from firmware.records.sidecar import HEAD, SEALED
from firmware.records.states import HAS_DRAFT
from firmware.records.vault import KEY, read_entry

_DRAFT_FILES = (
    "SELECT file FROM part WHERE record_id = :id UNION SELECT file FROM blob WHERE record_id = :id"
    " UNION SELECT image FROM record WHERE id = :id AND image IS NOT NULL"
    " UNION SELECT image FROM attempt WHERE record_id = :id AND image IS NOT NULL"
    " UNION SELECT sod FROM attempt WHERE record_id = :id AND sod IS NOT NULL"
    " UNION SELECT report FROM attempt WHERE record_id = :id AND report IS NOT NULL"
)
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject`: database, chain, `record 42`, `draft <id>` or a file kept aside; no `problems`: whole."""

    subject: str
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.problems


def verify(shelf: Shelf) -> list[Finding]:
    """Look at everything; one finding for each subject, good ones too. The audit log has its own check."""
    with shelf.db.reading() as connection:
        found = [row[0] for row in connection.execute("PRAGMA quick_check")]
        records = connection.execute("SELECT id FROM record ORDER BY started_at").fetchall()
        sealed = connection.execute(
            "SELECT record_id FROM sealed WHERE acked_at IS NULL ORDER BY sequence"
        ).fetchall()
    return [
        Finding("database", () if found == ["ok"] else tuple(found)),
        Finding("chain", tuple(_chain(shelf))),
        *(_sealed(shelf, row["record_id"]) for row in sealed),
        *_drafts(shelf, [row["id"] for row in records]),
        *_set_aside(shelf),
    ]


def sealed_bytes(shelf: Shelf, row: sqlite3.Row) -> bytes:
    """A sealed record as it lies in the outbox. Raises StoreDamaged when it or its sidecar is not whole."""
    stem = f"{row['sequence']:08d}-{row['record_digest']}"
    path = shelf.outbox / f"{stem}{SEALED}"
    if not path.exists():
        raise StoreDamaged("read a sealed record: the file is missing")
    data = disk.read(path)
    if sha256(data).hexdigest() != row["sealed_digest"]:
        raise StoreDamaged("read a sealed record: the file is not what was sealed")
    head = sidecar.read(shelf.outbox / f"{stem}{HEAD}", shelf.key)
    if (head.sealed_digest, head.box) != (row["sealed_digest"], shelf.box):
        raise StoreDamaged("read a sealed record: its sidecar speaks of another file")
    return data


def _sealed(shelf: Shelf, record_id: str) -> Finding:
    """Its file may be gone only with a receipt, which may come between row and file."""
    row = _row(shelf, record_id)
    problems = [f"the centre refused it: {row['refused_reason']}"] if row["refused_reason"] else []
    try:
        sealed_bytes(shelf, row)
    except StoreError as exc:
        if unsent(shelf, record_id):
            problems.append(exc.doing)
    return Finding(f"record {row['sequence']}", tuple(problems))


def unsent(shelf: Shelf, record_id: str) -> bool:
    """Whether a sealed record still waits for its receipt."""
    return _row(shelf, record_id)["acked_at"] is None


def _row(shelf: Shelf, record_id: str) -> sqlite3.Row:
    with shelf.db.reading() as connection:
        row = connection.execute("SELECT * FROM sealed WHERE record_id = ?", (record_id,)).fetchone()
    found: sqlite3.Row = row
    return found


def _chain(shelf: Shelf) -> Iterator[str]:
    """Numbers without a gap, each naming the one before; a rebuilt database may begin later."""
    with shelf.db.reading() as connection:
        rows = connection.execute(
            "SELECT sequence, record_digest, previous_digest, rebuilt FROM sealed ORDER BY sequence"
        ).fetchall()
    if rows and not rows[0]["rebuilt"] and (rows[0]["sequence"], rows[0]["previous_digest"]) != (1, FIRST):
        yield f"record {rows[0]['sequence']} is the oldest here, and not the first"
    for before, row in pairwise(rows):
        follows = row["sequence"] == before["sequence"] + 1
        if follows and row["previous_digest"] != before["record_digest"]:
            yield f"record {row['sequence']} does not follow the one before it"
        elif not follows and not row["rebuilt"]:
            yield f"there is no record between {before['sequence']} and {row['sequence']}"


def _drafts(shelf: Shelf, known: list[str]) -> Iterator[Finding]:
    with disk.translated("list the drafts"):
        folders = {path.name for path in shelf.drafts.iterdir() if path.suffix != LOST}
    for record_id in known:
        problems = _draft(shelf, record_id)
        if problems is not None:
            yield Finding(f"draft {record_id}", problems)
    for record_id in sorted(folders - set(known)):
        if not _known(shelf, record_id):  # nor one that was begun meanwhile
            yield Finding(f"draft {record_id}", ("no record has this draft: the next start removes it",))


def _draft(shelf: Shelf, record_id: str) -> tuple[str, ...] | None:
    """The problems of a record's draft; None where it has none, and none is left of it."""
    problems: tuple[str, ...] | None = None
    for _ in range(_LOOKS):
        with shelf.db.reading() as connection:
            state = connection.execute("SELECT state FROM record WHERE id = ?", (record_id,)).fetchone()[0]
            files = [row[0] for row in connection.execute(_DRAFT_FILES, {"id": record_id})]
        if state in HAS_DRAFT:
            problems = tuple(_broken(shelf, record_id, files))
        elif (shelf.drafts / record_id).exists():
            problems = (f"is {state}, yet its draft was not destroyed: start the kiosk, it does so",)
        else:
            return None
        if not problems:
            break
    return problems


def _broken(shelf: Shelf, record_id: str, files: list[str]) -> Iterator[str]:
    folder = shelf.drafts / record_id
    if not (folder / KEY).exists():
        yield "its key is missing"
    for name in files:
        try:
            read_entry(folder / name)
        except StoreError as exc:
            yield f"{name[:5]}: {exc.doing}"


def _known(shelf: Shelf, record_id: str) -> bool:
    with shelf.db.reading() as connection:
        return connection.execute("SELECT 1 FROM record WHERE id = ?", (record_id,)).fetchone() is not None


def _set_aside(shelf: Shelf) -> Iterator[Finding]:
    for folder in (shelf.outbox, shelf.drafts):
        for path in sorted(folder.glob(f"*{LOST}")):
            yield Finding(path.name, ("could not be read when the database was rebuilt; kept aside",))
