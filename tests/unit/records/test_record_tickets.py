"""Tickets: what a tired person types still finds the record, and never another one's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import box

from firmware.records import tickets
from firmware.records.errors import TicketRefused, WrongState
from firmware.records.journal import Journal
from firmware.records.states import RecordState

codes = st.lists(st.sampled_from(tickets.SIGNS), min_size=6, max_size=6).map(
    lambda signs: tickets.new(_giver(signs))
)


def _giver(signs: list[str]) -> tickets.Choose:
    rest = iter(signs)
    return lambda _: next(rest)


@pytest.fixture
def clock() -> box.Clock:
    return box.Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: box.Clock) -> Iterator[Journal]:
    with box.open_journal(tmp_path, clock) as journal:
        yield journal


def test_no_sign_looks_like_another() -> None:
    assert not set("01IOLSU") & set(tickets.SIGNS)
    assert len(set(tickets.SIGNS)) == 29


@given(codes)
def test_a_code_is_found_however_it_is_typed(code: str) -> None:
    for typed in (code, code.lower(), code.replace("-", ""), f" {code[0]} {code[1:]} "):
        assert tickets.normal(typed) == code


@given(codes, st.integers(0, 6), st.sampled_from(tickets.SIGNS))
def test_every_wrong_sign_is_noticed(code: str, at: int, sign: str) -> None:
    signs = list(code.replace("-", ""))
    if signs[at] == sign:
        return
    signs[at] = sign
    with pytest.raises(TicketRefused, match="malformed"):
        tickets.normal("".join(signs))


@given(codes)
def test_every_exchange_of_neighbours_is_noticed(code: str) -> None:
    plain = code.replace("-", "")
    for at, (left, right) in enumerate(pairwise(plain)):
        if left != right:
            with pytest.raises(TicketRefused):
                tickets.normal(plain[:at] + right + left + plain[at + 2 :])


@pytest.mark.parametrize("typed", ["", "ABC", "ABC-DEFGH", "🙂" * 7, "A" * 10_000, "1O0-ILSU"])
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
    assert journal.resume(ticket.lower()) == first == journal.open_record()
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
