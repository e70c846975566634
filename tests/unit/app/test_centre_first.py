"""A box with a token asks the centre first, and an attempt is signed by one of the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import box
from support.issue import IMAGE, ORDER

from firmware.app.signer import CentreFirst
from firmware.box.lease import LeaseRefused
from firmware.issue.authority import signing_request
from firmware.issue.errors import SignerNotReached, SignerRefused, SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.records.journal import Journal
from firmware.records.warrants import Use

NO_LINE = SignerNotReached("no line")
NO_ANSWER = SignerUnavailable("no answer")
REFUSED = SignerRefused("open_elsewhere")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path) as opened:
        yield opened


@dataclass
class Side:
    """One signer: answers `says`, or raises it; `before` runs first."""

    says: bytes | Exception
    asked: list[int] = field(default_factory=list)
    closed: bool = False
    before: Any = None

    def sign(self, request: SigningRequest) -> bytes:
        self.asked.append(request.attempt)
        if self.before:
            self.before(request)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def close(self) -> None:
        self.closed = True


@dataclass
class Two:
    """Both authorities over one journal."""

    journal: Journal
    record_id: str
    centre: Side
    token: Side

    def sign(self, attempt: int = 1) -> bytes:
        request = signing_request(self.record_id, attempt, IMAGE, ORDER)
        return CentreFirst(self.centre, self.token, lambda ask: ask(self.journal)).sign(request)


def two(journal: Journal, centre: bytes | Exception, token: bytes | Exception = b"T") -> Two:
    made = Two(journal, box.frozen(journal), Side(centre), Side(token))
    if not isinstance(token, LeaseRefused):
        made.token.before = lambda request: count(journal, request)
    return made


def count(journal: Journal, request: SigningRequest) -> None:
    """As `Leases.count` does before the token signs."""
    if journal.warrants.use_of(request.record_id, request.attempt) is None:
        journal.warrants.count(Use("BOX-01", 9, request.attempt), request.record_id, request.attempt)


def test_the_centre_signs_while_the_line_is_there_and_no_lease_is_used(journal: Journal) -> None:
    both = two(journal, b"C")
    assert both.sign() == b"C"
    assert both.token.asked == [] and journal.warrants.use_of(both.record_id, 1) is None


def test_without_a_line_the_token_signs_under_its_lease(journal: Journal) -> None:
    both = two(journal, NO_LINE)
    assert both.sign() == b"T"
    assert journal.warrants.use_of(both.record_id, 1) == Use("BOX-01", 9, 1)


def test_a_refusal_of_the_centre_is_a_refusal_of_the_record(journal: Journal) -> None:
    both = two(journal, REFUSED)
    with pytest.raises(SignerRefused, match="open_elsewhere"):
        both.sign()
    both.centre.says = NO_LINE
    journal.lost(both.record_id, 1, box.OFFICERS)
    for attempt in (1, 2):
        with pytest.raises(SignerNotReached):
            both.sign(attempt)
    assert both.token.asked == []


def test_what_the_centre_may_have_signed_the_token_never_signs(journal: Journal) -> None:
    both = two(journal, NO_ANSWER)
    for centre in (NO_ANSWER, NO_LINE, NO_LINE):
        both.centre.says = centre
        with pytest.raises(SignerUnavailable):
            both.sign()
    both.centre.says = b"C"
    assert both.sign() == b"C" and both.token.asked == []


def test_a_power_cut_while_the_centre_is_asked_leaves_the_attempt_to_the_centre(journal: Journal) -> None:
    both = two(journal, b"C")
    both.centre.before = power_cut
    with pytest.raises(PowerCut):
        both.sign()
    both.centre.before, both.centre.says = None, NO_LINE
    with pytest.raises(SignerNotReached):
        both.sign()
    assert both.token.asked == []


def test_a_record_keeps_its_authority_when_a_card_is_lost(journal: Journal) -> None:
    """The centre would hold a record whose cards come from both."""
    asked = two(journal, NO_ANSWER)
    with pytest.raises(SignerUnavailable):
        asked.sign()
    journal.lost(asked.record_id, 1, box.OFFICERS)
    asked.centre.says = NO_LINE
    with pytest.raises(SignerNotReached):
        asked.sign(2)
    assert asked.token.asked == []


def test_what_follows_a_card_of_the_lease_is_the_leases(journal: Journal) -> None:
    both = two(journal, NO_LINE, box.SOD)
    journal.keep_sod(both.record_id, 1, both.sign())
    journal.lost(both.record_id, 1, box.OFFICERS)
    both.centre.says = b"C"
    assert both.sign(2) == box.SOD and both.centre.asked == [1]


def test_an_attempt_that_was_counted_under_a_lease_is_not_asked_of_the_centre(journal: Journal) -> None:
    both = two(journal, NO_LINE, SignerUnavailable("the token is out"))
    with pytest.raises(SignerUnavailable, match="token is out"):
        both.sign()
    both.centre.says, both.token.says = b"C", b"T"
    assert both.sign() == b"T" and both.centre.asked == [1]


def test_a_box_without_line_and_lease_says_what_its_lease_lacks_and_asks_the_centre_again(
    journal: Journal,
) -> None:
    both = two(journal, NO_LINE, LeaseRefused("lease_ended"))
    with pytest.raises(LeaseRefused, match="lease_ended"):
        both.sign()
    both.centre.says = b"C"
    assert both.sign() == b"C"


def test_who_was_asked_goes_with_the_draft(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        both = two(journal, NO_ANSWER)
        with pytest.raises(SignerUnavailable):
            both.sign()
    for path in (tmp_path / "data").glob("journal.db*"):
        path.unlink()
    with box.open_journal(tmp_path) as rebuilt:
        both.journal, both.centre.says = rebuilt, NO_LINE
        with pytest.raises(SignerNotReached):
            both.sign()


def test_both_are_let_go(journal: Journal) -> None:
    both = two(journal, b"C")
    CentreFirst(both.centre, both.token, lambda ask: ask(journal)).close()
    assert both.centre.closed and both.token.closed


class PowerCut(BaseException):
    """Nothing after it runs."""


def power_cut(_: SigningRequest) -> None:
    raise PowerCut
