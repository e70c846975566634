"""`kiosk records audit --verify` finds any one flipped bit and any one missing row, wherever it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from support import box, record
from typer.testing import CliRunner

from firmware import cli_records
from firmware.records.audit import CHECKPOINT_EVERY, verify
from firmware.records.database import translated
from firmware.records.errors import StoreError

ROWS = CHECKPOINT_EVERY + 20
TABLES = ("audit", "checkpoint", "audit_tip")


@cache
def kept() -> TemporaryDirectory[str]:
    """A box's log of some hundred rows with two sealed records and several checkpoints."""
    folder = TemporaryDirectory(prefix="audit-")
    with box.open_journal(Path(folder.name)) as journal:
        box.sealed(journal)
        for n in range(ROWS):
            journal.audit.append("O-1", "looked", None, {"screen": "STATUS", "n": n})
        box.sealed(journal)
        journal.audit.append("O-2", "left")
    return folder


class InMemory:
    """A copy of the log that a test may spoil."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(Path(kept().name) / "data" / "journal.db")) as source:
            source.backup(self.connection)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA ignore_check_constraints = ON")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with translated("read the journal"):
            yield self.connection

    def is_whole(self) -> bool:
        """What a person is told: not whole, or that it cannot even be read."""
        keys = record.keys()
        try:
            return not verify(self, record.BOX, keys.box.key.public_key())  # type: ignore[attr-defined]
        except StoreError:
            return False

    def rows(self, table: str) -> list[sqlite3.Row]:
        return self.connection.execute(f"SELECT rowid AS place, * FROM {table} ORDER BY rowid").fetchall()  # noqa: S608

    def columns(self, table: str) -> list[str]:
        return [row["name"] for row in self.connection.execute(f"PRAGMA table_info({table})")]


def flipped(value: Any, at: int) -> Any:
    """One bit of a stored value is the other way round; of nothing, something."""
    if value is None:
        return "\x01"
    if isinstance(value, int):
        return value ^ 1 << at % 40
    data = bytearray(value.encode() if isinstance(value, str) else value)
    if not data:
        return "\x01" if isinstance(value, str) else b"\x01"
    data[at // 8 % len(data)] ^= 1 << at % 8
    return bytes(data)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_flipped_bit_is_found(data: st.DataObject) -> None:
    log = InMemory()
    table = data.draw(st.sampled_from(TABLES))
    row = data.draw(st.sampled_from(log.rows(table)))
    column = data.draw(st.sampled_from(log.columns(table)))
    if (table, column) == ("audit_tip", "one"):
        return  # there is one row, whatever it is called
    value = flipped(row[column], data.draw(st.integers(0, 8 * 2000)))
    text = isinstance(row[column], str | None)
    new = "CAST(? AS TEXT)" if text else "?"
    try:
        log.connection.execute(f"UPDATE {table} SET {column} = {new} WHERE rowid = ?", (value, row["place"]))  # noqa: S608
    except sqlite3.IntegrityError:
        return  # two rows cannot have one number
    assert not log.is_whole(), (table, column, row["place"])


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_missing_row_is_found(data: st.DataObject) -> None:
    log = InMemory()
    table = data.draw(st.sampled_from(TABLES))
    row = data.draw(st.sampled_from(log.rows(table)))
    log.connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row["place"],))  # noqa: S608
    assert not log.is_whole(), (table, row["place"])


@given(n=st.integers(1, ROWS))
@settings(max_examples=60, deadline=None)
def test_two_rows_that_changed_places_are_found(n: int) -> None:
    log = InMemory()
    for old, new in ((n, -1), (n + 1, n), (-1, n + 1)):
        log.connection.execute("UPDATE audit SET n = ? WHERE n = ?", (new, old))
    assert not log.is_whole()


def test_an_untouched_log_of_several_checkpoints_is_whole() -> None:
    assert InMemory().is_whole()


@pytest.mark.parametrize(
    "spoil", ["", "UPDATE audit SET actor = 'O-9' WHERE n = 100", "DELETE FROM audit WHERE n = 7"]
)
def test_the_command_says_whether_it_is_whole(tmp_path: Path, spoil: str) -> None:
    identity = tmp_path / "identity"
    identity.mkdir()
    pem = record.keys().box.certificate.public_bytes(Encoding.PEM)
    (identity / "box.crt.pem").write_bytes(pem)
    (tmp_path / "records").mkdir()
    with closing(sqlite3.connect(tmp_path / "records" / "journal.db")) as target, target:
        InMemory().connection.backup(target)
        target.execute(spoil)
    done = CliRunner().invoke(cli_records.app, ["audit", "--verify", "--data", str(tmp_path)])
    assert done.exit_code == (1 if spoil else 0), done.output
    assert ("nguyên vẹn · whole" in done.stdout) == (not spoil)
    if spoil:
        assert "100" in done.stdout or "7" in done.stdout
