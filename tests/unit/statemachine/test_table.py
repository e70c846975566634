"""What the table must promise, shown on every reachable situation (DESIGN section 2)."""

from __future__ import annotations

from collections import defaultdict, deque

import pytest
from support.exploring import Step, explore

from statemachine import effects as fx
from statemachine import events as ev
from statemachine.flow import STATES, TABLE
from statemachine.session import Outcome, Stage, Swap
from statemachine.states import CHIP, Device, Held, S


@pytest.fixture(scope="session")
def edges() -> tuple[Step, ...]:
    return explore()


def test_every_state_has_its_entry_in_states() -> None:
    assert set(STATES) == set(S)


def test_every_state_is_reachable(edges: tuple[Step, ...]) -> None:
    assert {edge.after[0] for edge in edges} == set(S)


def test_from_every_situation_the_greeting_is_reachable(edges: tuple[Step, ...]) -> None:
    into = defaultdict(set)
    for edge in edges:
        into[edge.after].add(edge.before)
    home = deque(situation for situation in into if situation[0] is S.ATTRACT)
    reached = set(home)
    while home:
        for before in into[home.popleft()] - reached:
            reached.add(before)
            home.append(before)
    assert {edge.before for edge in edges} - reached == set()


def test_every_row_is_taken_somewhere(edges: tuple[Step, ...]) -> None:
    moved = {(edge.before[0], type(edge.event), edge.after[0]) for edge in edges if edge.effects}
    never = [row for row in TABLE if row.target and (row.source, row.event, row.target) not in moved]
    assert [(row.source, row.event.__name__, row.target) for row in never] == []


def test_a_timed_state_has_a_row_for_its_time_out() -> None:
    rows = {(row.source, row.event) for row in TABLE}
    timed = [state for state, spec in STATES.items() if spec.timeout_s is not None]
    assert [state for state in timed if (state, ev.TimedOut) not in rows] == []


def test_time_out_always_moves_a_timed_state(edges: tuple[Step, ...]) -> None:
    stuck = [
        edge.before
        for edge in edges
        if isinstance(edge.event, ev.TimedOut)
        and STATES[edge.before[0]].timeout_s is not None
        and not any(isinstance(effect, fx.Enter) for effect in edge.effects)
    ]
    assert stuck == []


UNGUARDED_BY_DESIGN = {
    # a return leads to the step the visit is at, and every step has its row
    ev.ReturnAsked,
    ev.StillHere,
    # after a restart a record is at a resumable step; in IDENTIFY only a ticket resumes
    ev.Resumed,
    # ends outside the chip's states are impossible: the explored situations show it
    ev.DeviceBack,
}


def test_a_guarded_row_has_a_fallback() -> None:
    last = {}
    for row in TABLE:
        last[row.source, row.event] = row
    missing = [
        key
        for key, row in last.items()
        if row.guard is not None and key[1] not in UNGUARDED_BY_DESIGN and key != (S.ASSISTED, ev.FingerKept)
    ]
    assert missing == []


def test_a_return_always_finds_its_step(edges: tuple[Step, ...]) -> None:
    lost = [
        edge
        for edge in edges
        if isinstance(edge.event, ev.StillHere) and edge.before[0] is S.STILL_THERE and not edge.effects
    ]
    assert lost == []


def test_every_device_fault_is_handled_in_every_state() -> None:
    rows = {(row.source, row.event) for row in TABLE}
    for event in (ev.DeviceLost, ev.DeviceBack, ev.StoreFailed):
        assert [state for state in S if (state, event) not in rows] == []


@pytest.mark.parametrize("device", [Device.FINGER, Device.CAMERA, Device.CHIP])
def test_a_lost_device_never_throws_a_captured_record_away(edges: tuple[Step, ...], device: Device) -> None:
    for edge in edges:
        if edge.event == ev.DeviceLost(device):
            assert not any(isinstance(effect, fx.EndVisit) for effect in edge.effects)
            assert device in edge.after[1].lost or edge.after[1].lost <= {Device.STORE}


def test_what_was_captured_is_never_abandoned(edges: tuple[Step, ...]) -> None:
    for edge in edges:
        for effect in edge.effects:
            if isinstance(effect, fx.EndVisit) and effect.outcome is Outcome.ABANDONED:
                assert not edge.before[1].keeps, edge


def test_issuing_only_goes_forward(edges: tuple[Step, ...]) -> None:
    """From ISSUING no event refuses or abandons the record: complete, void by officers, or a ticket."""
    for edge in edges:
        if edge.before[1].held is Held.ISSUING:
            assert not edge.after[1].refused or edge.before[1].refused, edge
            ended = [effect.outcome for effect in edge.effects if isinstance(effect, fx.EndVisit)]
            assert ended in ([], [Outcome.TICKET]), edge


def test_no_time_out_ends_the_writing_of_a_chip() -> None:
    assert all(STATES[step].timeout_s is None for step in CHIP)


def test_staff_states_open_only_by_pin(edges: tuple[Step, ...]) -> None:
    for edge in edges:
        if edge.after[0] in (S.ASSISTED, S.TECHNICIAN) and edge.before[0] is not edge.after[0]:
            back = edge.before[0] is S.SWAP and edge.after[0] is S.TECHNICIAN
            assert back or isinstance(edge.event, ev.PinAccepted), edge


def test_a_swap_opens_only_from_the_technicians_screen_and_beside_no_record(edges: tuple[Step, ...]) -> None:
    for edge in edges:
        if edge.after[0] is S.SWAP:
            assert edge.before[0] in (S.TECHNICIAN, S.SWAP), edge
            assert edge.after[1].held is Held.NOTHING, edge


def test_a_swap_that_runs_is_left_by_no_button(edges: tuple[Step, ...]) -> None:
    buttons = (ev.BackPressed, ev.Confirmed, ev.StopPressed, ev.HelpPressed)
    for edge in edges:
        if edge.before[0] is S.SWAP and edge.before[1].stage is Stage.GO and isinstance(edge.event, buttons):
            assert edge.after == edge.before, edge


def test_blanks_are_counted_and_the_code_known_before_a_place_is_taken(edges: tuple[Step, ...]) -> None:
    for edge in edges:
        session = edge.after[1]
        if edge.after[0] is S.SWAP and (session.swap, session.stage) == (Swap.TAKE, Stage.GO):
            assert session.coded and session.counted, edge


def test_the_review_opens_only_after_proof(edges: tuple[Step, ...]) -> None:
    doors = {S.PROVE: ev.Proven, S.ASSISTED: ev.Attested}
    for edge in edges:
        state, session = edge.after
        if state in (S.REVIEW, S.CONSENT, S.FINGERS, S.PORTRAIT, S.CONFIRM) and edge.before[0] in doors:
            assert session.proven is not None or edge.before[1].step is state, edge


@pytest.mark.parametrize("asked", [S.IDENTIFY, S.LOOKUP])
def test_a_record_resumed_by_ticket_or_number_is_proven_again(edges: tuple[Step, ...], asked: S) -> None:
    for edge in edges:
        if isinstance(edge.event, ev.Resumed) and edge.before[0] is asked:
            assert edge.after[0] is (S.PROVE if edge.event.prove_again else asked)
