"""Each device dead for good, in each state: a visit ends COMPLETE, with a ticket, or REFUSED by law.

Two ways are shown. With people about, who press and sign in as they would, every visit can be brought to such
an end; and if everybody walks off, the time-outs alone bring what was kept to its ticket.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random

import pytest
from support.exploring import _coarse, explore, variants
from support.torture import many

from statemachine import effects as fx
from statemachine import events as ev
from statemachine.events import Event
from statemachine.machine import Flow
from statemachine.session import Aim, Outcome, Session
from statemachine.states import CHIP, Device, Held, S

LINE = "line"
"""The centre cannot be reached: no registry, no signature; records are sealed and wait."""
DEAD = (*Device, LINE)
SENSED = (ev.Proven, ev.NotProven, ev.FingerKept, ev.FingerAgain, ev.FingerDoubted, ev.FingerFailed)
WRITTEN = (
    ev.CardSeen,
    ev.CardMoved,
    ev.IssuingBegan,
    ev.ChipWritten,
    ev.ChipVerified,
    ev.ChipLocked,
    ev.ChipBroken,
)
SILENT: dict[str, tuple[type[Event], ...]] = {
    Device.CAMERA: (ev.PortraitKept,),
    Device.CHIP: WRITTEN,
    Device.BADGE: (ev.BadgeRead, ev.PinAccepted, ev.PinRefused),
    LINE: (ev.PersonFound, ev.PersonUnknown),
}
"""What cannot come any more."""
DONE = {S.WRITE_CHIP: ev.ChipWritten, S.VERIFY_CHIP: ev.ChipVerified, S.LOCK_CHIP: ev.ChipLocked}
ENDS = (Outcome.COMPLETED, Outcome.TICKET, Outcome.REFUSED)
TEAM = (S.STATUS, S.TECHNICIAN, S.SWAP, S.OUT_OF_ORDER)
Situation = tuple[S, Session]


def cannot_come(dead: str, state: S, session: Session, event: Event) -> bool:
    if isinstance(event, ev.DeviceBack | ev.DeviceLost | ev.StoreFailed | ev.TimedOut):
        return True
    if dead is Device.FINGER and state in (S.PROVE, S.FINGERS):
        return isinstance(event, SENSED)
    if dead is Device.CLOCK and isinstance(event, ev.RecordFrozen):
        return event.issue
    if dead == LINE and state is S.WRITE_CHIP and not session.at_stake:
        return isinstance(event, ev.IssuingBegan | ev.ChipWritten)
    return isinstance(event, SILENT.get(dead, ()))


@cache
def visits() -> dict[S, list[Session]]:
    """Situations in which somebody's visit is under way, of each state some, drawn by a seed."""
    found: dict[S, dict[Session, None]] = defaultdict(dict)
    for edge in explore():
        state, session = edge.before
        helps = session.aim is Aim.ASSIST and state not in TEAM
        if helps and session.step is not S.ATTRACT and not session.lost:
            found[state][session] = None
    draw = Random("visits")  # noqa: S311
    return {state: draw.sample(list(some), min(len(some), many(12, 10**6))) for state, some in found.items()}


def struck(flow: Flow, situation: Situation, dead: str) -> None:
    """The device dies. A store that does is brought back by a technician: nothing is kept without one."""
    flow.state, flow.session = situation
    if dead == Device.STORE:
        flow.feed(ev.StoreFailed("disk_full"))
        flow.feed(ev.DeviceBack(Device.STORE))
    elif dead != LINE:
        flow.feed(ev.DeviceLost(Device(dead)))


@pytest.fixture(scope="module")
def flow() -> Flow:
    flow = Flow()
    flow.begin()
    return flow


# --- with people about ----------------------------------------------------------------------------------


@pytest.mark.torture
@pytest.mark.parametrize("dead", DEAD)
def test_with_people_about_every_visit_comes_to_a_lawful_end(flow: Flow, dead: str) -> None:
    ended: set[Situation] = set()
    for state, sessions in visits().items():
        for session in sessions:
            struck(flow, (state, session), dead)
            if flow.session.step is not S.ATTRACT:
                assert brings_home(flow, dead, ended), (state, session)


def brings_home(flow: Flow, dead: str, ended: set[Situation]) -> bool:
    """Whether some of what people may do leads to an end; `ended` are places from which it does."""
    here = (flow.state, flow.session)
    way: list[tuple[Situation, Iterator[Event]]] = [(here, variants())]
    seen = {_key(here)}
    while way:
        (state, session), events = way[-1]
        for event in events:
            if cannot_come(dead, state, session, event):
                continue
            flow.state, flow.session = state, session
            effects = flow.feed(event)
            key = _key((flow.state, flow.session))
            if key in ended or any(_is_end(effect) for effect in effects):
                ended.update(_key(place) for place, _ in way)
                return True
            if flow.taken and key not in seen and flow.session.step is not S.ATTRACT:
                seen.add(key)
                way.append(((flow.state, flow.session), variants()))
                break
        else:
            way.pop()
    return False


def _key(situation: Situation) -> Situation:
    return situation[0], _coarse(*situation)


def _is_end(effect: fx.Effect) -> bool:
    return isinstance(effect, fx.EndVisit) and effect.outcome in ENDS


# --- with nobody about ----------------------------------------------------------------------------------


@pytest.mark.torture
@pytest.mark.parametrize("dead", DEAD)
def test_left_alone_what_was_kept_gets_its_ticket(flow: Flow, dead: str) -> None:
    for state, sessions in visits().items():
        for session in sessions:
            struck(flow, (state, session), dead)
            if flow.session.step is S.ATTRACT:
                assert not session.keeps or session.held is Held.COMPLETE
                continue
            outcome, kept = left_alone(flow, dead)
            assert outcome in ENDS or not kept, (state, session, outcome)
            assert outcome is not Outcome.REFUSED or session.refused


def left_alone(flow: Flow, dead: str) -> tuple[Outcome, bool]:
    """Only clocks and workers that still live have a say. How it ends, and whether anything was kept."""
    for _ in range(40):
        kept = flow.session.keeps
        for effect in flow.feed(next_answer(flow, dead)):
            if isinstance(effect, fx.EndVisit):
                return effect.outcome, kept
    raise AssertionError(f"never ends: {flow.state} {flow.session}")


def next_answer(flow: Flow, dead: str) -> Event:
    if flow.state is S.OUT_OF_ORDER:
        return ev.DeviceBack(Device.STORE)
    if flow.state is S.PAUSED and not flow.session.ticket:
        return ev.TicketMade()
    if flow.state is S.WRITE_CHIP and dead == LINE and not flow.session.at_stake:
        return ev.SignerAway()
    if flow.state in CHIP and dead != Device.CHIP:
        return {S.WRITE_CHIP: ev.ChipWritten, S.VERIFY_CHIP: ev.ChipVerified, S.LOCK_CHIP: ev.ChipLocked}[
            flow.state
        ]()
    return ev.TimedOut()


# --- refused --------------------------------------------------------------------------------------------


def test_only_the_citizen_or_an_officer_refuses_a_visit() -> None:
    """The citizen does not consent, or an officer who has signed in says that they may not have a card."""
    for edge in explore():
        if edge.after[1].refused and not edge.before[1].refused:
            assert isinstance(edge.event, ev.Declined | ev.VisitRefused), edge
            assert edge.before[0] is (S.CONSENT if isinstance(edge.event, ev.Declined) else S.ASSISTED)


def test_a_visit_that_keeps_nothing_yet_is_all_that_may_just_end() -> None:
    """What ABANDONED means: nobody proved who they are, and nothing of theirs was kept."""
    given = replace(Session(), held=Held.DRAFT, step=S.PROVE)
    assert not given.keeps
    assert replace(given, proven="finger").keeps
    assert all(replace(given, held=held).keeps for held in (Held.FROZEN, Held.ISSUING, Held.COMPLETE))
