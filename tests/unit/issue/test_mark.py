"""The journal's line about an attempt, and which cards it lets the transaction go on with."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.issue import FakeAttempt

from drivers.chip.dialects import CardKind
from drivers.errors import UserRetry
from firmware.issue import admission
from firmware.issue.admission import Held, begin, held, is_the_card
from firmware.issue.errors import OutOfOrder
from firmware.issue.mark import Mark, Stage

MARKS = st.builds(
    Mark,
    st.sampled_from([stage for stage in Stage if stage is not Stage.FRESH]),
    st.booleans(),
    st.integers(0, 10**6),
    st.none() | st.text(min_size=1, max_size=20),
)


@dataclass(frozen=True)
class Card:
    kind: str
    serial: str | None = None


@given(MARKS | st.just(Mark()))
def test_every_mark_reads_back(mark: Mark) -> None:
    assert Mark.parse(mark.text()) == mark


@pytest.mark.parametrize("line", ["halfway apdus=1", "keys", "keys apdus=x", "keys apdus=1 twice", " "])
def test_a_line_that_no_mark_wrote_is_an_error(line: str) -> None:
    with pytest.raises(OutOfOrder):
        Mark.parse(line)


def test_the_names_of_the_kinds_are_those_of_the_dialects() -> None:
    kinds = (admission.BLANK, admission.OURS, admission.OURS_LOCKED)
    assert kinds == (CardKind.BLANK, CardKind.OURS, CardKind.OURS_LOCKED)


def test_a_serial_tells_cards_apart_in_every_attempt() -> None:
    mark = Mark(Stage.FILES, again=True, serial="A1")
    assert is_the_card(Card("ours", "A1"), mark, FakeAttempt(number=3))
    assert not is_the_card(Card("ours", "B2"), mark, FakeAttempt(number=1))
    assert not is_the_card(Card("ours", None), mark, FakeAttempt(number=1))


def test_without_a_serial_only_the_one_card_with_the_keys_is_known() -> None:
    assert is_the_card(Card("ours"), Mark(Stage.FILES), FakeAttempt(number=1))
    assert not is_the_card(Card("ours"), Mark(Stage.FILES, again=True), FakeAttempt(number=1))
    assert not is_the_card(Card("ours"), Mark(Stage.FILES), FakeAttempt(number=2))


def test_the_same_blank_by_its_serial_is_not_a_second_card() -> None:
    mark = Mark(Stage.KEYS, serial="A1")
    same, other = begin(Card("blank", "A1"), mark), begin(Card("blank", "B2"), mark)
    assert same is not None and not same.again
    assert other is not None and other.again


@pytest.mark.parametrize(
    ("kind", "stage", "reason"),
    [
        ("foreign", Stage.FRESH, "card_foreign"),
        ("ours", Stage.FRESH, "card_foreign"),
        ("ours_locked", Stage.FRESH, "card_locked"),
        ("ours_locked", Stage.VERIFIED, "card_locked"),
        ("blank", Stage.FILES, "card_foreign"),
        ("blank", Stage.VERIFIED, "card_foreign"),
    ],
)
def test_cards_that_are_not_begun_with(kind: str, stage: Stage, reason: str) -> None:
    with pytest.raises(UserRetry) as caught:
        begin(Card(kind), Mark(stage))
    assert caught.value.reason == reason


WANTED = bytes(range(1, 101))


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (WANTED, Held.ALL),
        (None, Held.NOTHING),
        (bytes(100), Held.NOTHING),
        (b"\xff" * 100, Held.NOTHING),
        (b"", Held.NOTHING),
        (WANTED[:40] + bytes(60), Held.TORN),
        (WANTED[:40] + b"garbage!!!" + bytes(50), Held.TORN),
        (WANTED[:40], Held.TORN),
        (WANTED[:40] + b"garbage!!!!" + bytes(49), Held.OTHER),
        (WANTED[:-1] + b"x", Held.TORN),
        (b"x" * 100, Held.OTHER),
        (WANTED + b"more", Held.OTHER),
    ],
)
def test_what_a_card_holds_of_a_file(found: bytes | None, what: Held) -> None:
    assert held(found, WANTED, 10) is what
