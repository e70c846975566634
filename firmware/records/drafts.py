"""Drafts: what the screen calls accepted is on disk before the screen says so."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from firmware.records.assemble import WORK, check_begin, check_content
from firmware.records.audit import Audit
from firmware.records.clock import JournalClock
from firmware.records.database import Database
from firmware.records.errors import DiskFull, HandedOver, StoreError, UnknownRecord, WrongState
from firmware.records.fence import HANDED_OVER, require_open
from firmware.records.format.check import parse_moment
from firmware.records.format.errors import SchemaRefused
from firmware.records.format.schema import FILE, MAX_FILE_BYTES, MAX_STEPS, is_id, validate_part
from firmware.records.states import RecordState, require_move
from firmware.records.vault import Vault

S = RecordState
_FILE = re.compile(FILE, re.ASCII)


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as far as it has come. `parts` are decrypted JSON values; `blobs` are names for `blob()`."""

    record_id: str
    state: RecordState
    case: str
    rule_pack: str
    assignment: Mapping[str, Any]
    started_at: str
    completed_at: str | None
    step: str | None
    waiting: str | None
    until: datetime | None
    ticket: str | None
    issued_here: bool
    parts: Mapping[str, Any] = field(repr=False)
    blobs: tuple[str, ...] = ()


class Drafts:
    """Begin, fill, freeze and end a record. Every call is durable when it returns."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        audit: Audit,
        clock: JournalClock,
        box: str,
    ) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._box = box

    def begin(self, case: str, rule_pack: str, assignment: Mapping[str, Any]) -> str:
        """Open a record and return its id.

        Raises SchemaRefused, HandedOver in a closed epoch, and WrongState while another is open.
        """
        started = self._clock.stamp()
        check_begin(case, rule_pack, assignment, self._box, started)
        require_open(self._db, self._box, assignment["epoch"])
        if (other := self.open_record()) is not None:
            raise WrongState(other, "open", "another one at the same time")
        record_id = uuid.uuid4().hex
        try:
            self._begin(record_id, case, rule_pack, assignment, started)
        except DiskFull:  # the journal stays open, and no start comes soon that would clean up
            with contextlib.suppress(StoreError):
                self._vault.destroy(record_id)
            raise
        return record_id

    def _begin(
        self, record_id: str, case: str, rule_pack: str, assignment: Mapping[str, Any], started: str
    ) -> None:
        self._vault.create(record_id)
        about = {"kind": "begin", "case": case, "rule_pack": rule_pack, "started_at": started}
        self._vault.put(record_id, {**about, "assignment": dict(assignment)})
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO record (id, state, kind, rule_pack, assignment, started_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (record_id, S.DRAFT, case, rule_pack, json.dumps(dict(assignment)), started),
            )
            self._audit.append("kiosk", "begin", record_id, {"case": case, "rule_pack": rule_pack})

    def accept(self, record_id: str, part: str, value: Any, blobs: Mapping[str, bytes] | None = None) -> None:
        """Keep a part, in place of an earlier one of that name with all its blobs.

        `part` is a section of the record (`subject`, `consent`, …), `finger/<position>`, or `work/<name>` for
        what the procedure must find again but the record does not carry. `blobs` are files of the sealed
        record by their name there. Raises SchemaRefused, WrongState, StoreError.
        """
        self.require(record_id, S.DRAFT)
        blobs = blobs or {}
        _check_part(part, value, blobs)
        at = self._clock.stamp()
        about = {"kind": "part", "part": part, "at": at}
        files = {
            name: self._vault.put(record_id, {"kind": "blob", "name": name, "part": part, "at": at}, data)
            for name, data in blobs.items()
        }
        file = self._vault.put(record_id, {**about, "blobs": files}, json.dumps(value).encode())
        with self._db.transaction() as connection:
            self.require(record_id, S.DRAFT)
            old = _replace_part(connection, record_id, part, file, files)
        self._vault.forget(record_id, old)

    def draft(self, record_id: str) -> Draft:
        """Everything of a record that is not sealed yet; of a later one all but the parts."""
        row = self.row(record_id)
        with self._db.reading() as connection:
            parts = connection.execute(
                "SELECT name, file FROM part WHERE record_id = ? ORDER BY name", (record_id,)
            ).fetchall()
            blobs = connection.execute(
                "SELECT name FROM blob WHERE record_id = ? ORDER BY name", (record_id,)
            ).fetchall()
        return Draft(
            record_id=record_id,
            state=S(row["state"]),
            case=row["kind"],
            rule_pack=row["rule_pack"],
            assignment=json.loads(row["assignment"]),
            started_at=row["started_at"],
            completed_at=row["completed_at"],
            step=row["step"],
            waiting=row["waiting_reason"],
            until=parse_moment(row["waiting_until"]),
            ticket=row["ticket"],
            issued_here=bool(row["issued_here"]),
            parts={part["name"]: self._json(record_id, part["file"]) for part in parts},
            blobs=tuple(blob["name"] for blob in blobs),
        )

    def part(self, record_id: str, name: str) -> Any:
        """One part of the draft, decrypted; None when there is none of this name. Raises StoreDamaged."""
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT file FROM part WHERE record_id = ? AND name = ?", (record_id, name)
            ).fetchone()
        return None if row is None else self._json(record_id, row["file"])

    def blob(self, record_id: str, name: str) -> bytes:
        """A file of the draft, decrypted. Raises UnknownRecord when there is none of this name."""
        with self._db.reading() as connection:
            row = connection.execute(
                "SELECT file FROM blob WHERE record_id = ? AND name = ?", (record_id, name)
            ).fetchone()
        if row is None:
            raise UnknownRecord(f"no file {name} in this record")
        return self._vault.get(record_id, row["file"]).data

    def _json(self, record_id: str, file: str) -> Any:
        return json.loads(self._vault.get(record_id, file).data)

    def step(self, record_id: str, step: str) -> None:
        """The procedure is now in `step`: where a restart comes back to, and the record's step times.

        Raises ValueError for a name that a record cannot carry.
        """
        if not is_id(step):
            raise ValueError(f"{step[:80]!r} is not the name of a step")
        with self._db.transaction() as connection:
            self.row(record_id)
            connection.execute("UPDATE record SET step = ? WHERE id = ?", (step, record_id))
            connection.execute(
                "INSERT INTO step (record_id, name, at) VALUES (?, ?, ?)",
                (record_id, step, self._clock.stamp()),
            )

    def steps(self, record_id: str) -> list[dict[str, str]]:
        """`[{"step", "at"}, …]` in the order in which they were entered, the newest `MAX_STEPS`."""
        with self._db.reading() as connection:
            rows = connection.execute(
                "SELECT name, at FROM step WHERE record_id = ? ORDER BY n DESC LIMIT ?",
                (record_id, MAX_STEPS),
            ).fetchall()
        return [{"step": row["name"], "at": row["at"]} for row in reversed(rows)]

    def open_record(self) -> str | None:
        """The record that was at the kiosk when it stopped, if any."""
        with self._db.reading() as connection:
            row = connection.execute("SELECT id FROM record WHERE is_open = 1").fetchone()
        return row["id"] if row else None

    def leave(self, record_id: str) -> None:
        """The citizen of a COMPLETE record has gone home: what is left to do, the box does alone."""
        self.require(record_id, S.COMPLETE)
        with self._db.transaction() as connection:
            connection.execute("UPDATE record SET is_open = 0 WHERE id = ?", (record_id,))

    def freeze(self, record_id: str, card_image: bytes | None) -> None:
        """Fix the content. `card_image`: the whole card, or None where no card is issued here.

        Raises SchemaRefused with every problem: what passes here can be sealed later, whatever the card does.
        """
        require_move(record_id, self.state(record_id), S.FROZEN)
        draft = self.draft(record_id)
        names = {name: self.blob(record_id, name) for name in draft.blobs}
        check_content(draft, names, self.steps(record_id), self._clock.stamp(), card_image is not None)
        image = None
        if card_image is not None:
            image = self._vault.put(record_id, {"kind": "image"}, card_image)
        else:
            self._vault.put(record_id, {"kind": "frozen"})
        with self._db.transaction() as connection:
            self.move(record_id, S.FROZEN)
            connection.execute(
                "UPDATE record SET image = ?, issued_here = ? WHERE id = ?",
                (image, card_image is not None, record_id),
            )
            if image is not None:
                connection.execute("INSERT INTO attempt (record_id, number) VALUES (?, 1)", (record_id,))
            self._audit.append("kiosk", "freeze", record_id)

    def end(self, record_id: str, state: RecordState, reason: str, actor: str) -> None:
        """REFUSED or ABANDONED: nothing personal is left. Not possible once a card may be live."""
        with self._db.transaction() as connection:
            self.move(record_id, state)
            forget_rows(connection, record_id)
            connection.execute(
                "UPDATE record SET is_open = 0, ticket = NULL, waiting_reason = NULL, waiting_until = NULL,"
                " ended_reason = ? WHERE id = ?",
                (reason, record_id),
            )
            self._audit.append(actor, state.lower(), record_id, {"reason": reason})
        self._vault.destroy(record_id)

    def row(self, record_id: str) -> sqlite3.Row:
        """The record's row. Raises UnknownRecord."""
        with self._db.reading() as connection:
            row = connection.execute("SELECT * FROM record WHERE id = ?", (record_id,)).fetchone()
        if row is None:
            raise UnknownRecord(f"no record {record_id[:40]} here")
        found: sqlite3.Row = row
        return found

    def state(self, record_id: str) -> RecordState:
        return S(self.row(record_id)["state"])

    def require(self, record_id: str, *states: RecordState) -> None:
        """Raise WrongState unless the record is in one of `states`, HandedOver if it is another box's."""
        state = self.kept(record_id)
        if state not in states:
            raise WrongState(record_id, state, "this in another state than " + ", ".join(states))

    def move(self, record_id: str, new: RecordState) -> None:
        """Change the state inside the caller's transaction. Raises WrongState for a move to the left."""
        with self._db.transaction() as connection:
            require_move(record_id, self.kept(record_id), new)
            connection.execute("UPDATE record SET state = ? WHERE id = ?", (new, record_id))

    def kept(self, record_id: str) -> RecordState:
        """The state of a record that is still this box's. Raises HandedOver."""
        row = self.row(record_id)
        if row["ended_reason"] == HANDED_OVER:
            raise HandedOver(f"record {record_id} was handed over")
        return S(row["state"])


def forget_rows(connection: sqlite3.Connection, record_id: str) -> None:
    """Remove the rows that name draft files, whose key is about to be destroyed."""
    connection.execute("DELETE FROM blob WHERE record_id = ?", (record_id,))
    connection.execute("DELETE FROM part WHERE record_id = ?", (record_id,))


def _check_part(part: str, value: Any, blobs: Mapping[str, bytes]) -> None:
    if not part.startswith(WORK):
        problems = validate_part(part, value)
        if problems:
            raise SchemaRefused(tuple(problems))
    for name, data in blobs.items():
        if not _FILE.fullmatch(name) or len(data) > MAX_FILE_BYTES:
            raise ValueError(f"{name[:80]!r} is not a file of a record, or too long")


def _replace_part(
    connection: sqlite3.Connection, record_id: str, part: str, file: str, blobs: Mapping[str, str]
) -> list[str]:
    """Write the rows of a part; return the files of the one that it replaces."""
    key = (record_id, part)
    old = connection.execute("SELECT file FROM part WHERE record_id = ? AND name = ?", key).fetchall()
    old += connection.execute("SELECT file FROM blob WHERE record_id = ? AND part = ?", key).fetchall()
    connection.execute("DELETE FROM blob WHERE record_id = ? AND part = ?", key)
    connection.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?)", (*key, file))
    connection.executemany(
        "INSERT INTO blob VALUES (?, ?, ?, ?)",
        [(record_id, name, part, stored) for name, stored in blobs.items()],
    )
    return [row["file"] for row in old]
