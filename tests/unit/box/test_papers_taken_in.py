"""Papers of the centre: what is for this box is kept once and for ever, all else is refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import box, record
from support.papers import ASSIGNMENT, KEYS, LEASE, TOKEN_LEASE, papers, signed

from firmware.box.warrants import MAX_PAPER, PaperRefused, Taken, paper_in
from firmware.records.errors import StoreDamaged
from firmware.records.journal import Journal

PAPERS = papers()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as opened:
        yield opened


def refusal(journal: Journal, data: bytes) -> str:
    with pytest.raises(PaperRefused) as refused:
        PAPERS.take(journal, data)
    return refused.value.reason


def acts(journal: Journal) -> list[tuple[str, Any]]:
    with journal.shelf.db.reading() as connection:
        rows = connection.execute("SELECT act, detail FROM audit ORDER BY n").fetchall()
    return [(row["act"], json.loads(row["detail"])) for row in rows]


def test_a_paper_is_kept_and_outlives_the_process(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        assert PAPERS.assignment(journal) is None
        assert PAPERS.epoch(journal) == 1
        assert PAPERS.take(journal, signed(ASSIGNMENT)) == Taken("assignment", 3, new=True)
        assert PAPERS.take(journal, signed(LEASE)) == Taken("lease", 9, new=True)
    with box.open_journal(tmp_path) as journal:
        assert PAPERS.assignment(journal) == ASSIGNMENT
        assert PAPERS.lease(journal, record.BOX) == LEASE
        assert PAPERS.epoch(journal) == 3
        taken = [act for act in acts(journal) if act[0].endswith("_taken")]
    assert taken == [
        ("assignment_taken", {"holder": record.BOX, "serial": 3}),
        ("lease_taken", {"holder": record.BOX, "serial": 9}),
    ]


def test_the_same_again_does_nothing_even_when_it_was_signed_again(journal: Journal) -> None:
    first = signed(ASSIGNMENT)
    PAPERS.take(journal, first)
    before = journal.audit.head()
    again = signed(ASSIGNMENT)
    assert again != first
    for data in (first, again):
        assert PAPERS.take(journal, data) == Taken("assignment", 3, new=False)
    assert journal.audit.head() == before


def test_a_newer_paper_takes_the_place_of_an_older_one_which_never_comes_back(journal: Journal) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    PAPERS.take(journal, signed(ASSIGNMENT, serial=4, epoch=4, home_unit="U-0101"))
    assert refusal(journal, signed(ASSIGNMENT)) == "paper_stale"
    now = PAPERS.assignment(journal)
    assert now is not None
    assert (now.home_unit, now.epoch) == ("U-0101", 4)


def test_an_older_lease_never_comes_back(journal: Journal) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    PAPERS.take(journal, signed(LEASE, serial=10))
    assert refusal(journal, signed(LEASE)) == "paper_stale"
    assert refusal(journal, signed(LEASE, serial=10, count=99)) == "paper_replayed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"home_unit": "U-6666"}, "paper_replayed"),
        ({"serial": 2}, "paper_stale"),
        ({"serial": 4, "epoch": 2}, "paper_epoch_back"),
        ({"serial": 4, "box": "BOX-02"}, "paper_of_another_box"),
        ({"serial": 4, "profile": "production"}, "paper_of_another_profile"),
    ],
)
def test_an_assignment_that_is_not_for_this_box_now_is_refused(
    journal: Journal, changes: dict[str, Any], reason: str
) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    assert refusal(journal, signed(ASSIGNMENT, **changes)) == reason
    assert PAPERS.assignment(journal) == ASSIGNMENT
    assert acts(journal)[-1] == ("paper_refused", {"reason": reason})


def test_a_training_paper_is_refused_by_a_production_box(journal: Journal) -> None:
    production = papers(production=True)
    with pytest.raises(PaperRefused, match="paper_of_another_profile"):
        production.take(journal, signed(ASSIGNMENT))
    assert production.take(journal, signed(ASSIGNMENT, profile="production")).new


def test_the_identitys_epoch_is_the_least(journal: Journal) -> None:
    assert refusal(journal, signed(ASSIGNMENT, epoch=0)) == "paper_epoch_back"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"holder": "BOX-02"}, "paper_of_another_box"),
        ({"pool": "T-01"}, "paper_of_another_pool"),
        ({"epoch": 2}, "paper_epoch_back"),
        ({"holder": "token:0123456789abcdef"}, "paper_forged"),
    ],
)
def test_a_lease_that_is_not_for_this_box_is_refused(
    journal: Journal, changes: dict[str, Any], reason: str
) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    assert refusal(journal, signed(LEASE, **changes)) == reason


def test_a_lease_comes_after_the_assignment(journal: Journal) -> None:
    assert refusal(journal, signed(LEASE)) == "no_assignment"


def test_a_tokens_lease_has_serials_of_its_own(journal: Journal) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    PAPERS.take(journal, signed(LEASE))
    PAPERS.take(journal, signed(TOKEN_LEASE, serial=2))
    kept = PAPERS.lease(journal, TOKEN_LEASE.holder)
    assert kept == replace(TOKEN_LEASE, serial=2)
    assert PAPERS.lease(journal, record.BOX) == LEASE


@pytest.mark.parametrize("key", [KEYS.receipt_key, KEYS.box_ca_key, KEYS.box.key])
def test_no_other_key_gives_orders(journal: Journal, key: Any) -> None:
    assert refusal(journal, signed(ASSIGNMENT, key)) == "paper_forged"


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[" * 5000, b"\x00\xff", b'{"assignment":{},"signature":""}', b" " * (MAX_PAPER + 1)],
)
def test_what_is_no_paper_is_refused(journal: Journal, data: bytes) -> None:
    assert refusal(journal, data) == "paper_unreadable"


def test_any_changed_byte_is_refused(journal: Journal) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    data = signed(LEASE)
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        assert refusal(journal, bytes(changed)) in {"paper_unreadable", "paper_forged"}


def test_a_paper_that_was_changed_in_the_journal_is_no_paper(journal: Journal) -> None:
    PAPERS.take(journal, signed(ASSIGNMENT))
    forged = signed(ASSIGNMENT, KEYS.box.key, serial=5, epoch=9)
    journal.warrants.keep("assignment", record.BOX, 5, forged, "somebody")
    with pytest.raises(StoreDamaged):
        PAPERS.assignment(journal)


def test_after_the_journal_was_rebuilt_an_old_lease_gives_no_right(journal: Journal) -> None:
    """Its count is lost: the same paper on a stick must not begin again at one."""
    PAPERS.take(journal, signed(ASSIGNMENT))
    journal.audit.append("kiosk", "rebuilt")
    assert refusal(journal, signed(LEASE)) == "paper_stale"
    later = record.NOW.replace(year=record.NOW.year + 1)
    assert PAPERS.take(journal, signed(LEASE, serial=10, at=later)).new


def test_a_paper_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(PaperRefused, match="paper_unreadable"):
        paper_in(tmp_path / "none")
    (tmp_path / "long").write_bytes(b" " * (MAX_PAPER * 3))
    assert len(paper_in(tmp_path / "long")) == MAX_PAPER + 1
