"""Record states only move right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.records.errors import WrongState
from firmware.records.states import HAS_DRAFT, MOVES, RecordState, require_move

S = RecordState
ORDER = list(S)
END = {S.PURGED, S.REFUSED, S.ABANDONED}


def test_no_state_is_left_to_the_left() -> None:
    assert all(ORDER.index(old) < ORDER.index(new) for old, new in MOVES)


def test_nothing_leads_out_of_an_end_and_something_out_of_all_else() -> None:
    assert {old for old, _ in MOVES} == set(S) - END


def test_a_live_card_is_never_abandoned() -> None:
    after = {S.ISSUING, S.COMPLETE, S.SEALED, S.ACKED, S.PURGED}
    assert not [move for move in MOVES if move[0] in after and move[1] in (S.REFUSED, S.ABANDONED)]


def test_only_complete_is_sealed_and_only_sealed_acked() -> None:
    assert [old for old, new in MOVES if new is S.SEALED] == [S.COMPLETE]
    assert [old for old, new in MOVES if new is S.ACKED] == [S.SEALED]
    assert [old for old, new in MOVES if new is S.PURGED] == [S.ACKED]


@given(st.lists(st.sampled_from(ORDER), max_size=30))
def test_any_walk_ends_and_never_returns(wishes: list[S]) -> None:
    state, seen = S.DRAFT, [S.DRAFT]
    for wish in wishes:
        if (state, wish) in MOVES:
            require_move("r", state, wish)
            state = wish
            seen.append(state)
        else:
            with pytest.raises(WrongState):
                require_move("r", state, wish)
    assert len(set(seen)) == len(seen)
    if S.SEALED in seen:
        assert S.COMPLETE in seen and state not in HAS_DRAFT
