"""The right to issue without asking: for the cards it was given for, each counted before it is signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from support import box, record
from support.issue import IMAGE, ORDER
from support.papers import ASSIGNMENT, LEASE, SIGNER_SHA256, TOKEN_LEASE, papers, signed

from firmware.box.lease import Here, LeaseRefused, Leases, Mark
from firmware.issue.authority import signing_request
from firmware.issue.ports import SigningRequest
from firmware.records.format.seal import open_sealed
from firmware.records.handover import Giving
from firmware.records.journal import Journal
from firmware.records.warrants import Use

T = TypeVar("T")
PAPERS = papers()
HERE = Here(record.NOW, None, SIGNER_SHA256, ("renewal", "replacement", "correction"))
OURS = replace(ORDER, box=record.BOX, epoch=3, case="renewal")


def request(n: int = 1, attempt: int = 1, **changes: Any) -> SigningRequest:
    return signing_request(f"{n:032x}", attempt, IMAGE, replace(OURS, **changes))


class TokenMarks:
    """A token's count, and what was done to it in which order."""

    def __init__(self, mark: Mark | None = None) -> None:
        self.kept = mark
        self.broken = False

    def mark(self) -> Mark | None:
        return self.kept

    def put(self, mark: Mark) -> None:
        self.kept = mark
        if self.broken:
            raise ConnectionError("the power went")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as opened:
        PAPERS.take(opened, signed(ASSIGNMENT))
        yield opened


def leases(marks: TokenMarks | None = None, **changes: Any) -> Leases:
    return Leases(PAPERS, lambda: replace(HERE, **changes), marks)


def asking(journal: Journal) -> Callable[[Callable[[Journal], T]], T]:
    return lambda ask: ask(journal)


def count(journal: Journal, wanted: SigningRequest, its: Leases | None = None) -> int:
    return (its or leases()).count(asking(journal), wanted).n


def refusal(journal: Journal, wanted: SigningRequest, its: Leases | None = None) -> str:
    with pytest.raises(LeaseRefused) as refused:
        count(journal, wanted, its)
    return refused.value.reason


def test_each_card_has_its_number_and_the_last_is_the_last(journal: Journal) -> None:
    PAPERS.take(journal, signed(LEASE))
    assert [count(journal, request(n)) for n in (1, 2, 3)] == [1, 2, 3]
    assert refusal(journal, request(4)) == "lease_used_up"
    assert leases().may_issue(journal, OURS) == "lease_used_up"
    assert leases().standing(journal).reason == "lease_used_up"


def test_the_same_attempt_is_counted_once_also_after_the_last(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        PAPERS.take(journal, signed(ASSIGNMENT))
        PAPERS.take(journal, signed(LEASE, count=2))
        assert [count(journal, request(1)) for _ in range(3)] == [1, 1, 1]
        assert count(journal, request(1, attempt=2)) == 2
    with box.open_journal(tmp_path) as journal:  # after a power cut
        assert [count(journal, request(1)), count(journal, request(1, attempt=2))] == [1, 2]
        assert refusal(journal, request(2)) == "lease_used_up"


def test_a_new_lease_begins_at_one_and_an_attempt_without_signature_is_counted_under_it(
    journal: Journal,
) -> None:
    PAPERS.take(journal, signed(LEASE))
    assert count(journal, request(1)) == 1
    PAPERS.take(journal, signed(LEASE, serial=10))
    assert count(journal, request(1)) == 1
    assert journal.warrants.use_of(f"{1:032x}", 1) == Use(record.BOX, 10, 1)
    assert count(journal, request(2)) == 2


@pytest.mark.parametrize(
    ("here", "wanted", "reason"),
    [
        ({"distrust": "clock_not_set"}, {}, "clock"),
        ({"now": LEASE.until}, {}, "lease_ended"),
        ({"signer_sha256": "cd" * 32}, {}, "lease_other_token"),
        ({}, {"box": "BOX-02"}, "lease_other_box"),
        ({}, {"epoch": 2}, "lease_other_epoch"),
        ({}, {"epoch": 4}, "lease_other_epoch"),
        ({}, {"case": "first_issue"}, "lease_not_for_case"),  # the lease would, the rules do not
        ({}, {"case": "correction"}, "lease_not_for_case"),  # the rules would, the lease does not
    ],
)
def test_what_the_lease_is_not_for_is_not_counted(
    journal: Journal, here: dict[str, Any], wanted: dict[str, Any], reason: str
) -> None:
    PAPERS.take(journal, signed(LEASE))
    its = leases(**here)
    assert refusal(journal, request(**wanted), its) == reason
    assert its.may_issue(journal, replace(OURS, **wanted)) == reason
    assert journal.warrants.used(record.BOX, LEASE.serial) == 0


def test_a_rule_pack_may_allow_a_first_card(journal: Journal) -> None:
    PAPERS.take(journal, signed(LEASE))
    assert leases(offline_cases=("first_issue",)).may_issue(journal, replace(OURS, case="first_issue")) == ""


def test_without_papers_nothing_is_issued(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        assert refusal(journal, request()) == "no_assignment"
        PAPERS.take(journal, signed(ASSIGNMENT))
        assert refusal(journal, request()) == "lease_none"


def test_a_new_epoch_ends_the_lease_of_the_old_one(journal: Journal) -> None:
    PAPERS.take(journal, signed(LEASE))
    PAPERS.take(journal, signed(ASSIGNMENT, serial=4, epoch=4))
    assert refusal(journal, request()) == "lease_other_epoch"
    assert refusal(journal, request(epoch=4)) == "lease_other_epoch"
    PAPERS.take(journal, signed(ASSIGNMENT, serial=5, epoch=4, pool="T-01"))
    assert refusal(journal, request(epoch=4)) == "lease_other_pool"


def test_a_box_that_was_handed_over_issues_nothing_more(journal: Journal) -> None:
    PAPERS.take(journal, signed(LEASE))
    assert count(journal, request()) == 1
    journal.handovers.give(Giving(3, "T-1"))
    assert refusal(journal, request()) == "box_handed_over"
    assert refusal(journal, request(2)) == "box_handed_over"


def test_the_team_sees_what_is_left(journal: Journal) -> None:
    PAPERS.take(journal, signed(LEASE))
    count(journal, request())
    standing = leases().standing(journal)
    assert (standing.reason, standing.serial, standing.left) == ("", 9, 2)
    assert standing.until == LEASE.until
    late = LEASE.until + timedelta(seconds=1)
    assert leases(now=late).standing(journal).reason == "lease_ended"


def test_the_sealed_record_says_under_which_lease_and_which_card_of_it(journal: Journal) -> None:
    PAPERS.take(journal, signed(LEASE))
    record_id = box.frozen(journal)
    assert count(journal, signing_request(record_id, 1, IMAGE, OURS)) == 1
    box.issuing(journal, record_id)
    journal.complete(record_id, 1, box.REPORT)
    keys = record.keys()
    sealed = journal.seal(record_id).read_bytes()
    chip = open_sealed(sealed, [keys.centre], keys.box_ca, record.NOW).manifest["chip"]
    assert chip["lease"] == {"serial": 9, "n": 1, "holder": record.BOX}


def test_a_card_that_the_centre_signed_speaks_of_no_lease(journal: Journal) -> None:
    record_id = box.completed(journal)
    keys = record.keys()
    sealed = journal.seal(record_id).read_bytes()
    chip = open_sealed(sealed, [keys.centre], keys.box_ca, record.NOW).manifest["chip"]
    assert "lease" not in chip


# --- the right that travels with a token ---


def test_a_token_brings_its_count_to_another_box(journal: Journal) -> None:
    PAPERS.take(journal, signed(TOKEN_LEASE))
    marks = TokenMarks(Mark(9, 1))  # one was signed on the box that failed
    assert count(journal, request(1), leases(marks)) == 2
    assert marks.kept == Mark(9, 2)
    assert count(journal, request(1), leases(marks)) == 2
    assert count(journal, request(2), leases(marks)) == 3
    assert refusal(journal, request(3), leases(marks)) == "lease_used_up"
    assert marks.kept == Mark(9, 3)


def test_the_higher_count_holds(journal: Journal) -> None:
    PAPERS.take(journal, signed(TOKEN_LEASE))
    marks = TokenMarks()
    assert count(journal, request(1), leases(marks)) == 1
    marks.kept = None  # a token that lost its mark
    assert count(journal, request(2), leases(marks)) == 2
    marks.kept = Mark(8, 300)  # of an older lease
    assert count(journal, request(3), leases(marks)) == 3


def test_a_token_that_has_seen_a_newer_lease_does_not_go_back(journal: Journal) -> None:
    PAPERS.take(journal, signed(TOKEN_LEASE))
    assert refusal(journal, request(), leases(TokenMarks(Mark(10, 0)))) == "lease_stale"


def test_a_power_cut_between_the_two_counts_costs_a_number_and_gives_none_twice(journal: Journal) -> None:
    PAPERS.take(journal, signed(TOKEN_LEASE))
    marks = TokenMarks()
    marks.broken = True
    with pytest.raises(ConnectionError):
        count(journal, request(1), leases(marks))
    assert journal.warrants.used(TOKEN_LEASE.holder, 9) == 0
    marks.broken = False
    assert count(journal, request(1), leases(marks)) == 2


def test_a_travelling_lease_needs_the_token(journal: Journal) -> None:
    PAPERS.take(journal, signed(TOKEN_LEASE))
    assert refusal(journal, request()) == "lease_other_token"


def test_a_box_whose_tokens_lease_is_over_uses_its_own(journal: Journal) -> None:
    PAPERS.take(journal, signed(TOKEN_LEASE, until=record.NOW))
    assert refusal(journal, request(), leases(TokenMarks())) == "lease_ended"
    PAPERS.take(journal, signed(LEASE))
    assert count(journal, request(), leases(TokenMarks())) == 1
