"""The audit log: one flipped bit or one missing row is found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import box, record

from firmware.records import audit
from firmware.records.audit import CHECKPOINT_EVERY
from firmware.records.errors import OfficerLocked
from firmware.records.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as journal:
        journal.stock.load(5, ["O-1"])
        box.sealed(journal)
        journal.audit.append("O-2", "looked", None, {"screen": "STATUS"})
        yield journal


def raw(journal: Journal) -> sqlite3.Connection:
    return journal._db._connection


def test_an_untouched_log_is_whole(journal: Journal) -> None:
    assert journal.audit.verify() == []


def test_who_did_what_is_in_the_log(journal: Journal) -> None:
    acts = [row["act"] for row in raw(journal).execute("SELECT act FROM audit ORDER BY n")]
    assert acts == ["created", "blanks_in", "begin", "freeze", "issuing", "complete", "seal", "looked"]


@pytest.mark.parametrize("column", ["at", "actor", "act", "record_id", "detail", "previous", "digest"])
@pytest.mark.parametrize("n", [1, 4, 8])
def test_one_flipped_bit_is_found(journal: Journal, column: str, n: int) -> None:
    value = raw(journal).execute("SELECT * FROM audit WHERE n = ?", (n,)).fetchone()[column]
    flipped = chr(ord(value[0]) ^ 1) + value[1:] if value else "x"
    update = f"UPDATE audit SET {column} = ? WHERE n = ?"  # noqa: S608 - the test's own names
    raw(journal).execute(update, (flipped, n))
    assert any(problem.n in (n, n + 1) for problem in journal.audit.verify())


@pytest.mark.parametrize("n", [1, 4, 7, 8])
def test_a_missing_row_is_found(journal: Journal, n: int) -> None:
    raw(journal).execute("DELETE FROM audit WHERE n = ?", (n,))
    assert journal.audit.verify()[0].n == n


def test_a_missing_checkpoint_is_found(journal: Journal) -> None:
    raw(journal).execute("DELETE FROM checkpoint")
    assert [(problem.n, problem.what) for problem in journal.audit.verify()] == [
        (7, "its checkpoint is missing")
    ]


def test_a_missing_mark_of_the_newest_row_is_found(journal: Journal) -> None:
    raw(journal).execute("DELETE FROM audit_tip")
    assert "mark" in journal.audit.verify()[0].what


def test_a_tail_cut_off_behind_a_record_is_found(journal: Journal) -> None:
    raw(journal).execute("DELETE FROM checkpoint")
    raw(journal).execute("DELETE FROM audit WHERE n >= 5")
    raw(journal).execute("UPDATE audit_tip SET (n, digest) = (SELECT n, digest FROM audit WHERE n = 4)")
    assert "record 1" in journal.audit.verify()[0].what


def test_a_chain_computed_anew_without_the_key_is_found(journal: Journal) -> None:
    """Someone who may write the database recomputes every digest: the signed checkpoint tells."""
    raw(journal).execute("UPDATE audit SET actor = 'O-9' WHERE n = 2")
    raw(journal).execute("UPDATE sealed SET rebuilt = 1")
    previous = audit.GENESIS
    for row in raw(journal).execute("SELECT * FROM audit ORDER BY n").fetchall():
        plain = {key: row[key] for key in row.keys() if key != "digest"} | {"previous": previous}  # noqa: SIM118
        previous = audit._digest(plain)
        raw(journal).execute(
            "UPDATE audit SET previous = ?, digest = ? WHERE n = ?", (plain["previous"], previous, row["n"])
        )
        raw(journal).execute("UPDATE checkpoint SET digest = ? WHERE n = ?", (previous, row["n"]))
        raw(journal).execute("UPDATE audit_tip SET digest = ?", (previous,))
    assert [problem.what for problem in journal.audit.verify()] == ["the checkpoint does not match its row"]


def test_the_head_travels_in_the_record(journal: Journal) -> None:
    before = journal.audit.head()
    file = box.sealed(journal)
    heads = {row[0] for row in raw(journal).execute("SELECT digest FROM audit")}
    carried = raw(journal).execute("SELECT audit_head FROM sealed WHERE record_id = ?", (file.record_id,))
    assert carried.fetchone()[0] in heads - {before}


def test_checkpoints_are_made_without_a_record_too(journal: Journal) -> None:
    for _ in range(CHECKPOINT_EVERY):
        journal.audit.append("kiosk", "tick")
    signed = [row[0] for row in raw(journal).execute("SELECT n FROM checkpoint ORDER BY n")]
    assert signed[-1] == CHECKPOINT_EVERY
    assert journal.audit.verify() == []


def test_a_personal_number_cannot_get_into_the_log(journal: Journal) -> None:
    for detail in ({"who": record.NUMBER}, {"text": f"number {record.NUMBER}!"}, {record.NUMBER: 1}):
        with pytest.raises(ValueError, match="personal number"):
            journal.audit.append("kiosk", "x", None, detail)
    assert journal.audit.verify() == []


def test_five_wrong_pins_lock_also_over_a_restart(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        assert [journal.tries.count("O-1") for _ in range(3)] == [4, 3, 2]
    with box.open_journal(tmp_path) as journal:
        assert [journal.tries.count("O-1") for _ in range(2)] == [1, 0]
        with pytest.raises(OfficerLocked):
            journal.tries.count("O-1")
        assert journal.tries.left("O-1") == 0 and journal.tries.left("O-2") == 5
        with pytest.raises(ValueError, match="own card"):
            journal.tries.unlock("O-1", "O-1")
        journal.tries.unlock("O-1", "O-2")
        assert journal.tries.left("O-1") == 5


def test_the_right_pin_at_the_last_try_is_taken(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        for _ in range(5):
            journal.tries.count("O-1")
        journal.tries.right("O-1")
        assert journal.tries.left("O-1") == 5
