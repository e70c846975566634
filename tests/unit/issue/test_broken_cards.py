"""Chips that do something else than they say, and cards that are given up."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from support.issue import IMAGE, OFFICERS, RECORD, Desk, content, locked, new_card, sod_bytes
from support.signer import NOW

from drivers.chip.errors import NotLocked
from drivers.virtual.card import VirtualCard
from firmware.document.lds import Fid
from firmware.issue.errors import IssueBroken, OutOfOrder


class Bent:
    """A dialect whose chip does one thing wrong."""

    def __init__(self, dialect: Any, **instead: Any) -> None:
        self._dialect = dialect
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        if name in self._instead:
            return lambda *args: self._instead[name](self._dialect, *args)
        return getattr(self._dialect, name)


def forgets_a_bit(fid: int) -> Any:
    def write(dialect: Any, which: int, data: bytes, done: Any) -> None:
        wrong = data[:-40] + bytes([data[-40] ^ 1]) + data[-39:] if which == fid else data
        dialect.write_file(which, wrong, done)

    return write


def test_a_chip_that_forgets_a_bit_of_the_portrait_gets_no_sod() -> None:
    desk = Desk(dress=lambda d: Bent(d, write_file=forgets_a_bit(Fid.DG2)))
    card = new_card()
    desk.reader.put(card)
    with pytest.raises(IssueBroken) as caught:
        desk.transaction.write(RECORD)
    assert caught.value.check == "read_back"
    assert not sod_bytes(card) and desk.signer.requests == []


def test_a_chip_that_forgets_a_bit_of_the_sod_is_not_locked_but_voided() -> None:
    desk = Desk(dress=lambda d: Bent(d, write_file=forgets_a_bit(Fid.SOD)))
    card = new_card()
    desk.reader.put(card)
    desk.transaction.write(RECORD)
    with pytest.raises(IssueBroken):
        desk.transaction.verify(RECORD)
    assert not locked(card)
    assert desk.transaction.lost(RECORD, OFFICERS) == 2
    assert len(desk.journal.void) == 1


def test_a_chip_that_only_says_it_locked_is_not_complete() -> None:
    desk = Desk(dress=lambda d: Bent(d, lock=lambda dialect: None))
    desk.reader.put(new_card())
    with pytest.raises(IssueBroken) as caught:
        desk.issue()
    assert caught.value.check == "lock"
    assert isinstance(caught.value.__cause__, NotLocked)
    assert desk.journal.report is None


def test_a_chip_of_a_profile_that_cannot_read_a_file_is_never_begun() -> None:
    desk = Desk(dress=lambda d: Unreadable(d))
    card = new_card()
    desk.reader.put(card)
    with pytest.raises(OutOfOrder):
        desk.transaction.write(RECORD)
    assert not content(card)


def test_a_chip_that_loses_a_bit_after_it_was_read_back_is_not_locked() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.transaction.write(RECORD)
    portrait = IMAGE.files[Fid.DG2]
    aged = VirtualCard.from_bytes(
        card.to_bytes().replace(portrait.hex().encode(), (portrait[:-1] + b"?").hex().encode())
    )
    assert content(aged)[Fid.DG2] != portrait
    desk.reader.put(aged)
    with pytest.raises(IssueBroken) as caught:
        desk.transaction.verify(RECORD)
    assert caught.value.check == "read_back"
    assert not desk.journal.now.stage.startswith("authentic") and not locked(aged)


def test_a_signer_that_expired_meanwhile_is_found_by_verify() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.transaction.write(RECORD)
    desk.now = NOW + timedelta(days=400)
    with pytest.raises(IssueBroken) as caught:
        desk.transaction.verify(RECORD)
    assert caught.value.check == "certificates_valid"
    assert not desk.journal.now.stage.startswith("authentic")


def test_a_signer_that_expired_before_the_lock_leaves_the_card_unlocked() -> None:
    desk, card = Desk(), new_card()
    desk.reader.put(card)
    desk.transaction.write(RECORD)
    desk.transaction.verify(RECORD)
    desk.now = NOW + timedelta(days=400)
    with pytest.raises(IssueBroken):
        desk.transaction.lock(RECORD)
    assert not locked(card) and desk.journal.report is None


class Unreadable(Bent):
    unreadable = frozenset({int(Fid.DG2)})


# --- lost cards ---


def test_a_lost_card_is_voided_by_an_officer_and_the_next_gets_a_new_signature() -> None:
    desk, first, second = Desk(), new_card(), new_card()
    desk.reader.put(first)
    desk.transaction.write(RECORD)
    old = desk.journal.now.sod
    with pytest.raises(OutOfOrder):
        desk.transaction.lost(RECORD, ())
    assert desk.transaction.lost(RECORD, OFFICERS) == 2
    desk.reader.put(second)
    desk.issue()
    assert old is not None and desk.journal.now.sod not in (None, old)
    assert desk.journal.void == [hashlib.sha256(old).hexdigest()]
    assert desk.journal.report is not None and desk.journal.report["attempt"] == 2


def test_a_lost_card_that_comes_back_is_not_taken_for_the_new_one() -> None:
    desk, first, second = Desk(), new_card(), new_card()
    desk.reader.put(first)
    desk.transaction.write(RECORD)
    desk.transaction.lost(RECORD, OFFICERS)
    before = content(first)
    desk.reader.put(first)
    assert desk.asks(desk.issue) == "card_foreign"
    desk.reader.put(second)
    second.lift_after(60)
    assert desk.asks(desk.issue) == "hold_card_still"
    desk.reader.put(first)
    assert desk.asks(desk.issue) == "card_foreign"
    assert content(first) == before
