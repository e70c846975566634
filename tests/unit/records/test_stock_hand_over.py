"""Blanks: what was put in is live, void, left, handed on or missing, whatever happens in whatever order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import box

from firmware.records.database import Database
from firmware.records.journal import Journal
from firmware.records.stock import Blanks

COUNTS = st.integers(1, 9)
ACTS = st.one_of(
    st.tuples(st.sampled_from(("load", "spoil", "give")), COUNTS),
    st.tuples(st.just("count"), st.integers(-5, 5)),
    st.tuples(st.sampled_from(("issue", "tear", "lose")), st.just(1)),
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as opened:
        yield opened


def balanced(blanks: Blanks) -> bool:
    return blanks.taken_in == blanks.live + blanks.void + blanks.left + blanks.out + blanks.missing


def test_a_count_that_is_right_changes_nothing(journal: Journal) -> None:
    journal.stock.load(10, ["O-1"])
    assert journal.stock.hand_over(10, "O-1", "O-2") == 0
    assert journal.blanks() == Blanks(10, 0, 0)


def test_what_is_missing_is_said_for_ever(journal: Journal) -> None:
    journal.stock.load(10, ["O-1"])
    assert journal.stock.hand_over(8, "O-1", "O-2") == 2
    assert journal.blanks() == Blanks(10, 0, 0, missing=2)
    assert journal.blanks().left == 8
    assert journal.stock.hand_over(8, "O-2", "O-1") == 0
    assert journal.blanks().missing == 2
    assert journal.stock.hand_over(9, "O-1", "O-2") == -1
    assert journal.blanks() == Blanks(10, 0, 0, missing=1)
    with journal.shelf.db.reading() as connection:
        rows = connection.execute("SELECT actor, detail FROM audit WHERE act = 'blanks_counted'").fetchall()
    assert [(row["actor"], row["detail"]) for row in rows] == [
        ("O-1", '{"count":8,"missing":2,"to":"O-2"}'),
        ("O-2", '{"count":8,"missing":0,"to":"O-1"}'),
        ("O-1", '{"count":9,"missing":-1,"to":"O-2"}'),
    ]


def test_what_went_on_to_another_box_is_neither_here_nor_missing(journal: Journal) -> None:
    journal.stock.load(10, ["O-1"])
    journal.stock.give(10, ["O-1"])
    assert journal.blanks() == Blanks(10, 0, 0, out=10)
    assert journal.blanks().left == 0


@pytest.mark.parametrize(
    ("counted", "giver", "taker"), [(-1, "O-1", "O-2"), (1, "O-1", "O-1"), (1, "", "O-2"), (1, "O-1", "")]
)
def test_a_hand_over_is_a_count_by_two(journal: Journal, counted: int, giver: str, taker: str) -> None:
    with pytest.raises(ValueError, match="two officers"):
        journal.stock.hand_over(counted, giver, taker)


def test_bookings_of_an_older_box_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from firmware.records import database

    whole = database.MIGRATIONS
    monkeypatch.setattr(database, "MIGRATIONS", whole[:5])
    before = Database(tmp_path / "journal.db")
    with before.transaction() as connection:
        connection.execute("INSERT INTO stock (at, move, count, officers) VALUES ('t', 'in', 7, '[]')")
    before.close()
    monkeypatch.setattr(database, "MIGRATIONS", whole)
    after = Database(tmp_path / "journal.db")
    with after.reading() as connection:
        assert tuple(connection.execute("SELECT * FROM stock").fetchone()) == (1, "t", "in", 7, "[]", 0)
    after.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTS, max_size=10))
def test_the_books_balance_after_any_sequence(acts: list[tuple[str, int]]) -> None:
    """Every card that was counted in is somewhere, and what is left is what was counted last."""
    with tempfile.TemporaryDirectory() as folder, box.open_journal(Path(folder)) as journal:
        for act, amount in acts:
            before = journal.blanks()
            play(journal, act, amount)
            after = journal.blanks()
            assert balanced(after)
            moved = {"load": amount, "spoil": -amount, "give": -amount, "issue": -1, "tear": -1, "lose": -1}
            if act != "count":
                assert after.left - before.left == moved[act]
                assert after.missing == before.missing
            elif before.left + amount >= 0:
                assert after.left == before.left + amount
                assert after.missing - before.missing == -amount


def play(journal: Journal, act: str, amount: int) -> None:
    match act:
        case "load":
            journal.stock.load(amount, ["O-1"])
        case "spoil":
            journal.stock.spoil(amount, ["O-1", "O-2"])
        case "give":
            journal.stock.give(amount, ["O-1"])
        case "count" if (counted := journal.blanks().left + amount) >= 0:
            assert journal.stock.hand_over(counted, "O-1", "O-2") == -amount
        case "issue":
            journal.seal(box.completed(journal))
        case "tear":  # ISSUING, then lost: void, and on the list
            record_id = box.frozen(journal)
            sod = b"\x77" + record_id.encode()
            journal.keep_sod(record_id, 1, sod)
            journal.issuing(record_id, 1, sha256(sod).digest())
            journal.lost(record_id, 1, box.OFFICERS)
            leave(journal, record_id)
        case "lose":  # a blank that broke before it was live
            record_id = box.frozen(journal)
            journal.lost(record_id, 1, box.OFFICERS)
            leave(journal, record_id)


def leave(journal: Journal, record_id: str) -> None:
    """Its citizen comes back another day."""
    journal.wait(record_id, "left", journal.now().replace(year=2030))
