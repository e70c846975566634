"""A draft's rows from its vault entries: for a lost database, and for a box that takes another's drafts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from firmware.records.states import RecordState
from firmware.records.vault import Vault

S = RecordState


class Replay:
    """One draft, from its vault entries in the order they were written."""

    def __init__(self, vault: Vault, record_id: str) -> None:
        """Raises RecordsError, KeyError or ValueError for a draft that does not add up."""
        self.record_id = record_id
        self._vault = vault
        self.state = S.DRAFT
        self.began: Mapping[str, Any] = {}
        self.parts: dict[str, tuple[str, Mapping[str, str]]] = {}
        self.columns: dict[str, Any] = {"is_open": 1}
        self.attempts: list[dict[str, Any]] = []
        self.steps: list[Mapping[str, str]] = []
        names = vault.names(record_id)
        self._needed: set[str] = set()
        for name in names:
            about = vault.get(record_id, name).about
            if (take := getattr(self, f"on_{about['kind']}", None)) is not None:
                take(name, about)
        if not self.began:
            raise ValueError("no beginning")
        self._needed |= {file for _, blobs in self.parts.values() for file in blobs.values()}
        if not self._needed <= set(names):
            raise ValueError("a file of it is missing")
        if any("issuing_at" in one and "sod" not in one for one in self.attempts):
            raise ValueError("its card was begun, and what was signed for it is missing")
        if self.state is S.COMPLETE:
            self.columns["is_open"] = 0

    def insert(self, connection: sqlite3.Connection) -> None:
        if (
            self.columns["is_open"]
            and connection.execute("SELECT 1 FROM record WHERE is_open = 1").fetchone()
        ):
            self.columns["is_open"] = 0
        insert_record(connection, self.record_id, self.began, self.state, **self.columns)
        for part, (file, blobs) in self.parts.items():
            connection.execute("INSERT INTO part VALUES (?, ?, ?)", (self.record_id, part, file))
            connection.executemany(
                "INSERT INTO blob VALUES (?, ?, ?, ?)",
                [(self.record_id, name, part, stored) for name, stored in blobs.items()],
            )
        for attempt in self.attempts:
            insert(connection, "attempt", {"record_id": self.record_id, **attempt})
        connection.executemany(
            "INSERT INTO step (record_id, name, at) VALUES (?, ?, ?)",
            [(self.record_id, step["step"], step["at"]) for step in self.steps],
        )

    def on_begin(self, _name: str, about: Mapping[str, Any]) -> None:
        self.began = about

    def on_part(self, name: str, about: Mapping[str, Any]) -> None:
        self.parts[about["part"]] = (name, about["blobs"])

    def on_ticket(self, _name: str, about: Mapping[str, Any]) -> None:
        self.columns |= {
            "ticket": about["ticket"],
            "waiting_reason": about["reason"],
            "waiting_until": about["until"],
            "is_open": 0,
        }

    def on_resume(self, _name: str, _about: Mapping[str, Any]) -> None:
        self.columns |= {"waiting_reason": None, "waiting_until": None, "is_open": 1}

    def on_image(self, name: str, _about: Mapping[str, Any]) -> None:
        self.state = S.FROZEN
        self.columns |= {"image": name, "issued_here": 1}
        self.attempts = [{"number": 1}]

    def on_frozen(self, _name: str, _about: Mapping[str, Any]) -> None:
        self.state = S.FROZEN
        self.columns["issued_here"] = 0

    def on_attempt_image(self, name: str, about: Mapping[str, Any]) -> None:
        self._attempt(about)["image"] = name

    def on_stage(self, _name: str, about: Mapping[str, Any]) -> None:
        self._attempt(about)["stage"] = about["stage"]

    def on_sod(self, name: str, about: Mapping[str, Any]) -> None:
        sod = self._vault.get(self.record_id, name).data
        self._attempt(about).update(sod=name, sod_sha256=sha256(sod).hexdigest())

    def on_issuing(self, _name: str, about: Mapping[str, Any]) -> None:
        self.state = S.ISSUING
        self._attempt(about).update(sod_sha256=about["sod_sha256"], issuing_at=about["at"])

    def on_lost(self, _name: str, about: Mapping[str, Any]) -> None:
        self._attempt(about).update(lost_at=about["at"], officers=json.dumps(about["officers"]))
        self.attempts.append({"number": about["attempt"] + 1})

    def on_report(self, name: str, about: Mapping[str, Any]) -> None:
        self.state = S.COMPLETE
        self._attempt(about).update(report=name, completed_at=about["at"])
        self.columns["completed_at"] = about["at"]

    def on_complete(self, _name: str, about: Mapping[str, Any]) -> None:
        self.state = S.COMPLETE
        self.columns["completed_at"] = about["at"]

    def on_given(self, _name: str, about: Mapping[str, Any]) -> None:
        """What the box that handed it over knew beside the files, and which files there were."""
        self._needed = set(about["files"])
        self.steps = about["steps"]
        self.columns |= {"step": about["step"], "is_open": 0}

    def on_adopted(self, _name: str, about: Mapping[str, Any]) -> None:
        """From here another box goes on; cards begun before came from the stock of the first one."""
        self.began = {**self.began, "assignment": about["assignment"]}
        self.columns["is_open"] = 0
        for one in self.attempts:
            if "issuing_at" in one or "lost_at" in one:
                one["elsewhere"] = 1

    def _attempt(self, about: Mapping[str, Any]) -> dict[str, Any]:
        return {one["number"]: one for one in self.attempts}[about["attempt"]]


def insert_record(
    connection: sqlite3.Connection,
    record_id: str,
    began: Mapping[str, Any],
    state: RecordState,
    **columns: Any,
) -> None:
    row = {
        "id": record_id,
        "state": str(state),
        "kind": began["case"],
        "rule_pack": began["rule_pack"],
        "assignment": json.dumps(began["assignment"]),
        "started_at": began["started_at"],
        "is_open": 0,
    }
    insert(connection, "record", row | columns)


def insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - ours
