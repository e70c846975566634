"""A greeting that nobody can touch is none; a visit that runs is not ended by a lost touch screen."""

from __future__ import annotations

import pytest
from support.exploring import Step, explore

from statemachine import events as ev
from statemachine.machine import Flow
from statemachine.states import Device, S

LOST, BACK = ev.DeviceLost(Device.TOUCH), ev.DeviceBack(Device.TOUCH)


@pytest.fixture(scope="session")
def losses() -> tuple[Step, ...]:
    return tuple(edge for edge in explore() if edge.event == LOST)


def test_without_its_touch_screen_a_box_greets_nobody_until_it_is_back() -> None:
    flow = Flow()
    flow.begin()
    flow.feed(LOST)
    assert (flow.state, flow.session.reason) == (S.OUT_OF_ORDER, "lost_touch")
    flow.feed(BACK)
    assert (flow.state, flow.session.lost) == (S.ATTRACT, frozenset())


def test_in_a_visit_a_lost_touch_screen_changes_no_state_and_is_remembered(losses: tuple[Step, ...]) -> None:
    elsewhere = [edge for edge in losses if edge.before[0] is not S.ATTRACT]
    assert {edge.before[0] for edge in elsewhere} == set(S) - {S.ATTRACT}
    flow = Flow()
    flow.begin()
    for event in (ev.Started(), ev.LanguageChosen("vi"), LOST):
        flow.feed(event)
    assert flow.state is S.IDENTIFY and flow.session.lost == {Device.TOUCH}
    assert [edge.before for edge in elsewhere if edge.after[0] is not edge.before[0]] == []


def test_after_the_visit_in_which_it_was_lost_no_greeting_stands_longer_than_a_try_to_open_it() -> None:
    """Whoever opens a device says at each try that it is not there."""
    flow = Flow()
    flow.begin()
    for event in (ev.Started(), LOST):
        flow.feed(event)
    while flow.state is not S.ATTRACT:
        flow.feed(ev.TimedOut(entry=flow.entry))
    flow.feed(LOST)
    assert flow.state is S.OUT_OF_ORDER
