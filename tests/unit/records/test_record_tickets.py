"""Tickets: what a tired person types still finds the record, and never another one's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import box, record

from firmware.records import tickets
from firmware.records.errors import TicketRefused, WrongState
from firmware.records.journal import Journal
from firmware.records.states import RecordState

codes = st.integers(0, tickets.COUNT - 1).map(lambda chosen: tickets.new(lambda _: chosen))
DIGITS = "0123456789"


@pytest.fixture
def clock() -> box.Clock:
    return box.Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: box.Clock) -> Iterator[Journal]:
    with box.open_journal(tmp_path, clock) as journal:
        yield journal


def test_the_quasigroup_is_latin_and_totally_anti_symmetric() -> None:
    """All that the check digit promises follows from these: order 10, proven over every triple."""
    step = tickets.check_digit_after
    assert all(len({step(so_far, digit) for digit in DIGITS}) == 10 for so_far in DIGITS)
    assert all(len({step(so_far, digit) for so_far in DIGITS}) == 10 for digit in DIGITS)
    for so_far, left, right in product(DIGITS, repeat=3):
        if left != right:
            assert step(step(so_far, left), right) != step(step(so_far, right), left)
    assert tickets.check_digit("572") == "4"  # Damm's own example


@given(codes)
def test_a_code_is_found_however_it_is_typed(code: str) -> None:
    assert re.fullmatch(r"[1-9]\d{3} \d{4}", code)
    plain = code.replace(" ", "")
    for typed in (code, plain, f"{plain[:4]}-{plain[4:]}", ".".join(plain), f" {plain[0]}\u00a0{plain[1:]} "):
        assert tickets.normal(typed) == code


@given(codes, st.integers(0, 7), st.sampled_from(DIGITS))
def test_every_wrong_digit_is_noticed(code: str, at: int, digit: str) -> None:
    plain = code.replace(" ", "")
    assume(plain[at] != digit)
    with pytest.raises(TicketRefused, match="malformed"):
        tickets.normal(plain[:at] + digit + plain[at + 1 :])


@given(codes)
def test_every_exchange_of_neighbours_is_noticed(code: str) -> None:
    plain = code.replace(" ", "")
    for at, (left, right) in enumerate(pairwise(plain)):
        if left != right:
            with pytest.raises(TicketRefused):
                tickets.normal(plain[:at] + right + left + plain[at + 2 :])


def test_no_code_begins_with_zero() -> None:
    lowest, highest = (tickets.new(lambda n, at=at: at % n) for at in (0, -1))
    assert (lowest[:8], highest[:8]) == ("1000 000", "9999 999")
    assert tickets.check_digit("00000000") == "0"  # and yet:
    with pytest.raises(TicketRefused):
        tickets.normal("0000 0000")


@pytest.mark.parametrize(
    "typed", ["", "1234", "1234 56789", "🙂" * 8, "1" * 10_000, "-" * 10_000, "١٠٠٠٠٠٠٥", "²" * 8, "ABC-DEFG"]
)
def test_nonsense_is_malformed(typed: str) -> None:
    with pytest.raises(TicketRefused) as refused:
        tickets.normal(typed)
    assert refused.value.reason == "ticket_malformed"


def test_a_ticket_brings_back_its_record(journal: Journal, clock: box.Clock) -> None:
    until = clock.at.replace(year=2027)
    first, ticket = box.filled(journal), ""
    ticket = journal.wait(first, "signer_unavailable", until)
    second = box.frozen(journal)
    other = journal.wait(second, "no_blanks", until)
    assert ticket != other and journal.open_record() is None
    draft = journal.draft(first)
    assert (draft.waiting, draft.until, draft.ticket) == ("signer_unavailable", until, ticket)
    assert journal.resume(ticket.replace(" ", "")) == first == journal.open_record()
    with pytest.raises(TicketRefused, match="unknown"):
        journal.resume(ticket)  # already here
    assert journal.wait(first, "again", until) == ticket
    assert journal.resume(other) == second and journal.state(second) is RecordState.FROZEN


def test_a_ticket_does_not_push_another_citizen_away(journal: Journal, clock: box.Clock) -> None:
    ticket = journal.wait(box.begin(journal), "x", clock.at.replace(year=2027))
    here = box.begin(journal)
    with pytest.raises(WrongState):
        journal.resume(ticket)
    assert journal.open_record() == here


def test_an_unknown_ticket_is_said_to_be_unknown(journal: Journal) -> None:
    with pytest.raises(TicketRefused) as refused:
        journal.resume(tickets.new())
    assert refused.value.reason == "ticket_unknown"


def test_an_expired_ticket_is_refused_and_its_record_erased(journal: Journal, clock: box.Clock) -> None:
    record_id = box.filled(journal)
    ticket = journal.wait(record_id, "x", clock.at.replace(day=9))
    clock.pass_time(days=8)
    with pytest.raises(TicketRefused) as refused:
        journal.resume(ticket)
    assert refused.value.reason == "ticket_expired"
    assert journal.expire() == [record_id]
    assert journal.state(record_id) is RecordState.ABANDONED
    assert journal._vault.records() == [] and journal.expire() == []


def test_a_torn_card_is_put_aside_and_its_ticket_never_runs_out(journal: Journal, clock: box.Clock) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    journal.stage(record_id, 1, "SOD")
    journal.step(record_id, "WRITE_CHIP")
    ticket = journal.wait(record_id, "left", clock.at + timedelta(days=30))
    assert journal.open_record() is None and journal.counts().waiting == 1
    clock.pass_time(days=390)
    assert journal.expire() == []
    assert journal.resume(ticket) == record_id == journal.open_record()
    draft = journal.draft(record_id)
    assert (draft.state, draft.step) == (RecordState.ISSUING, "WRITE_CHIP")
    assert journal.attempt(record_id).stage == "SOD"
    journal.complete(record_id, 1, box.REPORT)
    journal.seal(record_id)
    assert journal.counts().waiting == 0


def test_a_torn_card_that_waits_still_only_goes_forward(journal: Journal, clock: box.Clock) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    journal.wait(record_id, "left", clock.at + timedelta(days=30))
    for end in (journal.abandon, journal.refuse):
        with pytest.raises(WrongState):
            end(record_id, "left")
    assert journal.lost(record_id, 1, box.OFFICERS) == 2  # the card never came back
    assert journal.void_cards(record_id)


def test_a_card_that_turns_out_whole_after_its_citizen_left_is_sealed(
    journal: Journal, clock: box.Clock
) -> None:
    record_id = box.frozen(journal)
    box.issuing(journal, record_id)
    ticket = journal.wait(record_id, "left", clock.at + timedelta(days=30))
    journal.complete(record_id, 1, box.REPORT)
    clock.pass_time(days=31)
    assert journal.expire() == [] and journal.unsealed() == [record_id]
    journal.seal(record_id)
    assert journal.counts().waiting == 0
    with pytest.raises(TicketRefused, match="unknown"):
        journal.resume(ticket)


def test_a_complete_record_does_not_wait(journal: Journal, clock: box.Clock) -> None:
    with pytest.raises(WrongState):
        journal.wait(box.completed(journal), "left", clock.at + timedelta(days=30))


def test_a_torn_card_waits_on_when_the_database_is_lost(tmp_path: Path) -> None:
    with box.open_journal(tmp_path) as journal:
        record_id = box.frozen(journal)
        box.issuing(journal, record_id)
        ticket = journal.wait(record_id, "left", record.NOW + timedelta(days=1))
    (tmp_path / "data" / "journal.db").write_bytes(b"no database" * 500)
    later = box.Clock(record.NOW + timedelta(days=50))
    with box.open_journal(tmp_path, later) as journal:
        assert journal.rebuilt is not None and journal.expire() == []
        assert journal.resume(ticket) == record_id
        assert journal.state(record_id) is RecordState.ISSUING


def test_what_a_ticket_would_reopen_is_listed_cards_at_stake_first(
    journal: Journal, clock: box.Clock
) -> None:
    def put_aside(record_id: str, days: int = 30) -> tuple[str, str]:
        clock.pass_time(minutes=1)
        return record_id, journal.wait(record_id, "left", clock.at + timedelta(days=days))

    frozen = box.frozen(journal)
    box.issuing(journal, frozen)
    torn, old, young = put_aside(frozen), put_aside(box.filled(journal)), put_aside(box.filled(journal))
    ended, _ = put_aside(box.filled(journal))
    journal.abandon(ended, "left")
    put_aside(box.filled(journal), days=1)
    clock.pass_time(days=2)
    box.begin(journal)  # at the kiosk: it does not wait
    assert journal.waiting() == [torn, young, old]
