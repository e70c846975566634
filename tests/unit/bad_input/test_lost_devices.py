"""Every device missing, silent, of another model or unplugged, in every state: no visit is lost by it."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest
from support import office
from support.exploring import explore
from support.kiosk import PATIENCE_S, Story, story

from config.catalogue import code_of
from drivers.errors import DeviceFault, DeviceGone, DeviceRefused, DeviceTimeout, ProtocolError
from drivers.worker import Broken, Done, Down, Failed, Job, Up, Worker
from firmware.app.devices import HUNG_S, Workers
from firmware.sim.station import VirtualStation
from statemachine import effects as fx
from statemachine import events as ev
from statemachine.guards import REQUIRED
from statemachine.machine import Flow
from statemachine.session import Aim, Session
from statemachine.states import CHIP, Device, Held, Role, S
from ui_fb import screens as ui

# --- the table: every state × every device ------------------------------------------------------------

LEADS = {
    (S.PROVE, Device.FINGER): S.HELP,
    (S.FINGERS, Device.FINGER): S.HELP,
    (S.PORTRAIT, Device.CAMERA): S.HELP,
    (S.PLACE_CARD, Device.CHIP): S.HELP,
    **{(step, Device.CHIP): S.HOLD_STILL for step in CHIP},
    **{(S.ATTRACT, device): S.OUT_OF_ORDER for device in REQUIRED},
}
"""Where a lost device leads; everywhere else the visit goes on and the box remembers."""


@cache
def situations() -> dict[S, list[Session]]:
    found = defaultdict(set)
    for edge in explore():
        found[edge.before[0]].add(edge.before[1])
    return {state: sorted(sessions, key=repr) for state, sessions in found.items()}


def standing(state: S, session: Session) -> Flow:
    flow = Flow()
    flow.begin()
    flow.state, flow.session = state, session
    return flow


FLOWS = Flow()


@pytest.mark.parametrize("device", Device)
@pytest.mark.parametrize("state", S)
def test_a_lost_device_stops_only_the_step_that_needs_it(state: S, device: Device) -> None:
    for session in situations()[state]:
        FLOWS.state, FLOWS.session = state, session
        effects = FLOWS.feed(ev.DeviceLost(device))
        assert FLOWS.state is LEADS.get((state, device), state)
        assert device in FLOWS.session.lost
        assert FLOWS.session.held is session.held
        assert not any(isinstance(effect, fx.EndVisit) for effect in effects), "nothing is given up"
        FLOWS.feed(ev.DeviceBack(device))
        assert device not in FLOWS.session.lost


@pytest.mark.parametrize("device", Device)
@pytest.mark.parametrize("state", [state for state, _ in LEADS if state is not S.ATTRACT])
def test_once_it_is_back_the_step_goes_on(state: S, device: Device) -> None:
    for session in situations()[state]:
        FLOWS.state, FLOWS.session = state, session
        FLOWS.feed(ev.DeviceLost(device))
        FLOWS.feed(ev.DeviceBack(device))
        FLOWS.feed(ev.ReturnAsked())
        FLOWS.feed(ev.CardSeen("ours"))
        may_be = (
            {state}
            | ({S.HELP} if state in (S.PROVE, S.FINGERS) else set())
            | ({S.WRITE_CHIP} & {state, *_after(state)})
        )
        assert FLOWS.state in may_be, (session, FLOWS.state)


def _after(state: S) -> tuple[S, ...]:
    """A card that lies there already is written at once."""
    return (S.WRITE_CHIP,) if state is S.PLACE_CARD else ()


@pytest.mark.parametrize("state", S)
def test_a_disk_that_fails_ends_no_visit_and_what_was_kept_gets_its_ticket(state: S) -> None:
    for session in situations()[state]:
        FLOWS.state, FLOWS.session = state, session
        effects = FLOWS.feed(ev.StoreFailed("disk_full"))
        opening = state is S.OFFICER and session.aim is Aim.UNLOCK  # it opened, and onto this
        known = Device.STORE in session.lost and not opening
        assert FLOWS.state is (state if known and state in TEAM else S.OUT_OF_ORDER)
        assert not any(isinstance(effect, fx.EndVisit) for effect in effects)
        if FLOWS.state is S.OUT_OF_ORDER:
            FLOWS.session = replace(FLOWS.session, lost=frozenset({Device.STORE}))
            FLOWS.feed(ev.DeviceBack(Device.STORE))
            assert FLOWS.state is _kept_at(session)


TEAM = (S.OUT_OF_ORDER, S.OFFICER, S.TECHNICIAN, S.STATUS, S.SWAP)


def _kept_at(session: Session) -> S:
    if session.held is Held.COMPLETE:
        return S.RECEIPT
    return S.PAUSED if session.keeps else S.ATTRACT


def test_a_box_that_got_well_while_a_technician_looked_is_in_order_again() -> None:
    flow = standing(
        S.OUT_OF_ORDER, Session(held=Held.FROZEN, step=S.PLACE_CARD, lost=frozenset({Device.STORE}))
    )
    signed_in = ev.PinAccepted("KT-0001", Role.TECHNICIAN)
    for event in (ev.BadgeRead(), signed_in, ev.DeviceBack(Device.STORE), ev.BackPressed()):
        flow.feed(event)
    assert flow.state is S.PAUSED


# --- the workers: every device × everything that may ail it ---------------------------------------------

Opener = Callable[[], AbstractContextManager[Any]]
Ailment = Callable[[VirtualStation, str], Opener]


def opener(station: VirtualStation, name: str) -> Opener:
    opens: Opener = getattr(station.openers(), name)
    return opens


def unplug(station: VirtualStation, name: str) -> None:
    _cable(station, name).unplug()


def plug(station: VirtualStation, name: str) -> None:
    _cable(station, name).plug()


def _cable(station: VirtualStation, name: str) -> Any:
    readers = {"chip": station.chip, "badge": station.badge}
    return readers[name].reader if name in readers else {  # type: ignore[union-attr]
        "finger": station.sensor, "camera": station.camera, "panel": station.panel,
    }[name]  # fmt: skip


def asked(name: str, device: Any) -> None:
    """What the app asks of the device when nobody is there."""
    match name:
        case "finger":
            device.await_finger(True, 0.05)
        case "camera":
            device.preview(1.0)
        case "panel":
            device.lamps(0.5, 0.5)
        case _:
            device.await_card(True, 0.0)


FAULTS = {
    "missing": DeviceGone,
    "silent": DeviceTimeout,
    "another model": DeviceRefused,
    "babbling": ProtocolError,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["finger", "camera", "chip", "badge", "panel"])
def test_a_device_that_does_not_open_is_asked_for_again_until_it_does(name: str, fault: str) -> None:
    station, answers, tries = VirtualStation(wait=lambda _: None), queue.SimpleQueue[Any](), iter((1, 2))

    def opens() -> AbstractContextManager[Any]:
        if next(tries, None) == 1:
            raise FAULTS[fault](name, "open")
        return opener(station, name)()

    worker = Worker(name, opens, answers.put)
    worker.start()
    down = answers.get(timeout=10)
    assert isinstance(down, Down) and type(down.fault) is FAULTS[fault]
    assert isinstance(answers.get(timeout=10), Up)
    worker.close()


@pytest.mark.parametrize("name", ["finger", "camera", "chip", "badge", "panel"])
def test_a_device_that_is_unplugged_fails_the_job_and_comes_back_when_plugged(name: str) -> None:
    station, answers = VirtualStation(wait=lambda _: None), queue.SimpleQueue[Any]()
    worker: Worker[Any] = Worker(
        name, opener(station, name), answers.put, device={"badge": "chip"}.get(name, "")
    )
    worker.start()
    assert isinstance(answers.get(timeout=10), Up)
    unplug(station, name)
    worker.submit(Job(7, "ask", lambda device, _: asked(name, device)))
    failed, down = answers.get(timeout=10), answers.get(timeout=10)
    assert isinstance(failed, Failed) and failed.entry == 7
    assert isinstance(failed.error, DeviceFault) and failed.error.device == name
    assert isinstance(down, Down)
    plug(station, name)
    while not isinstance(answer := answers.get(timeout=10), Up):
        assert not isinstance(answer, Broken)
    worker.submit(Job(8, "ask", lambda device, _: asked(name, device)))
    assert isinstance(answers.get(timeout=10), Done)
    worker.close()


# --- the box: each device once in the state that needs it ------------------------------------------------


def proof_kept(s: Story) -> None:
    draft = s.ask(lambda journal: journal.draft(s.record_id))
    assert draft.parts["proof"]["method"] == "finger"


MISSING = {
    "finger": ("fingerprint", code_of("lost_finger")),
    "camera": ("camera", code_of("lost_camera")),
    "chip": ("chip", code_of("lost_chip")),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_box_without_a_device_that_a_visit_needs_serves_nobody_until_it_is_there(name: str) -> None:
    with story(started=False) as s:
        unplug(s.station, name)
        s.start()
        s.comes(S.OUT_OF_ORDER)
        assert (s.screen.device, s.screen.error) == MISSING[name]
        plug(s.station, name)
        s.until(S.LANGUAGE)


def test_a_sensor_of_another_model_is_no_sensor() -> None:
    with story(started=False) as s:
        s.station.sensor._device.idProduct = 0x0001
        s.start()
        s.comes(S.OUT_OF_ORDER)
        assert s.screen.error == code_of("lost_finger")


@pytest.mark.parametrize("name", ["panel", "badge"])
def test_a_box_without_a_device_that_helps_serves_all_the_same(name: str) -> None:
    with story(started=False) as s:
        unplug(s.station, name)
        s.start()
        s.until(S.REVIEW)


def test_without_a_camera_the_other_ways_to_be_found_are_left() -> None:
    with story() as s:
        s.until(ui.Identify)
        s.touch("by:qr")
        unplug(s.station, "camera")
        s.comes(ui.Identify)
        assert s.screen.ways == ("chip", "number", "ticket")
        plug(s.station, "camera")
        s.comes(lambda: isinstance(s.screen, ui.Identify) and "qr" in s.screen.ways)
        s.until(S.PROVE)


def mute(station: VirtualStation, _: str) -> None:
    station.sensor.mute()


def mute_while_it_waits(station: VirtualStation, _: str) -> None:
    """No order to it is under way any more: it was told to wait for a finger."""
    assert station.sensor.asked(10)
    station.sensor.mute()


STOPPED = {
    "finger at the proof": ("", S.PROVE, "finger", unplug, "lost_finger"),
    "finger unplugged": ("FINGERS", S.FINGERS, "finger", unplug, "lost_finger"),
    "finger silent": ("FINGERS", S.FINGERS, "finger", mute, "lost_finger"),
    "finger silent while it waits": ("FINGERS", S.FINGERS, "finger", mute_while_it_waits, "lost_finger"),
    "camera unplugged": ("PORTRAIT", S.PORTRAIT, "camera", unplug, "lost_camera"),
    "reader unplugged": ("PLACE_CARD", S.PLACE_CARD, "chip", unplug, "lost_chip"),
}


@pytest.mark.parametrize("what", STOPPED)
def test_a_step_that_lost_its_device_waits_for_it_with_the_officer(what: str) -> None:
    scene, step, name, ail, reason = STOPPED[what]
    with story(at=scene) as s:
        s.until(step)
        ail(s.station, name)
        s.comes(S.HELP)
        assert (s.screen.reason, s.screen.retry) == (reason, True)
        assert s.record in ("DRAFT", "FROZEN")
        s.touch("retry")
        s.comes(S.HELP)
        plug(s.station, name)
        s.comes(lambda: Device(name) not in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.comes(step)
        s.until(lambda: s.state not in (step, S.HELP))
        assert s.record_id == s.ask(lambda journal: journal.open_record())
        proof_kept(s)


@pytest.mark.parametrize("apdus", [30, 40])
def test_a_reader_unplugged_in_the_middle_of_a_card_goes_on_with_the_same_card(apdus: int) -> None:
    with story(at="PLACE_CARD") as s:
        card, left = s.citizen.card, iter(range(apdus, -1, -1))
        transmit = card.transmit

        def until_pulled(apdu: bytes) -> bytes:
            if next(left, None) == 0:
                unplug(s.station, "chip")
            return transmit(apdu)

        card.transmit = until_pulled  # type: ignore[method-assign]
        s.until(S.HOLD_STILL)
        state = s.record
        assert state in ("FROZEN", "ISSUING")
        plug(s.station, "chip")
        s.comes(S.RECEIPT)
        assert s.record in ("COMPLETE", "SEALED", "ACKED", "PURGED")


def test_a_driver_that_hangs_in_the_middle_of_a_card_is_written_off_and_comes_back() -> None:
    """Not even its time-out is kept: nothing that the thread was to do comes to an end."""
    with story(at="PLACE_CARD") as s:
        card, left = s.citizen.card, iter(range(40, -1, -1))
        hangs, let_go = threading.Event(), threading.Event()
        transmit = card.transmit

        def hung(apdu: bytes) -> bytes:
            if next(left, None) == 0:
                hangs.set()
                assert let_go.wait(PATIENCE_S)
            return transmit(apdu)

        card.transmit = hung  # type: ignore[method-assign]
        s.until(S.WRITE_CHIP)
        assert hangs.wait(PATIENCE_S)
        s.kiosk.workers.chip.write_off()
        s.comes(S.HOLD_STILL)
        s.touch("help")
        s.comes(S.HELP)
        let_go.set()
        s.comes(lambda: Device.CHIP not in s.kiosk.flow.session.lost)
        s.touch("retry")
        s.until(S.RECEIPT)


class Heard:
    """As much of a worker as is looked after."""

    def __init__(self, name: str, silent_s: float, told: queue.SimpleQueue[str]) -> None:
        self.name, self.silent_s, self._told = name, silent_s, told

    def write_off(self) -> None:
        self._told.put(self.name)


def test_only_a_driver_that_was_silent_for_long_is_written_off(monkeypatch: pytest.MonkeyPatch) -> None:
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    silent_s = {"idle": 0.0, "busy": HUNG_S, "hung": HUNG_S + 1, "hung too": 2 * HUNG_S}
    workers = object.__new__(Workers)
    monkeypatch.setattr(Workers, "all", tuple(Heard(name, s, told) for name, s in silent_s.items()))
    workers.write_off_hung()
    assert {told.get(timeout=10) for _ in range(2)} == {"hung", "hung too"}
    assert told.empty()


def test_a_card_that_falls_silent_is_waited_for_and_then_finished() -> None:
    with story(at="PLACE_CARD") as s:
        s.citizen.card.mute_after(40)
        s.until(S.HOLD_STILL)
        assert s.record == "FROZEN"
        s.citizen.card.unmute()
        s.until(S.RECEIPT)


@pytest.mark.parametrize("scene", ["PORTRAIT", "PLACE_CARD"])
def test_a_panel_that_is_gone_stops_nothing(scene: str) -> None:
    with story(at=scene, panel=True) as s:
        unplug(s.station, "panel")
        s.until(S.RECEIPT)
        assert Device.PANEL in s.kiosk.flow.session.lost
        plug(s.station, "panel")
        s.comes(lambda: Device.PANEL not in s.kiosk.flow.session.lost)


def test_an_officer_can_sign_in_once_the_badge_reader_is_back() -> None:
    with story(at="REVIEW") as s:
        s.touch("help")
        s.comes(S.HELP)
        unplug(s.station, "badge")
        s.comes(lambda: Device.BADGE in s.kiosk.flow.session.lost)
        assert s.state is S.HELP
        plug(s.station, "badge")
        s.comes(lambda: Device.BADGE not in s.kiosk.flow.session.lost)
        s.officer()


def test_the_team_can_sign_in_once_the_badge_reader_is_back() -> None:
    with story() as s:
        unplug(s.station, "badge")
        s.comes(lambda: Device.BADGE in s.kiosk.flow.session.lost)
        plug(s.station, "badge")
        s.comes(lambda: Device.BADGE not in s.kiosk.flow.session.lost)
        lays_badge_until(s, S.STATUS)


def lays_badge_until(s: Story, state: S) -> None:
    """As a person does: lay it down, and if nothing happens take it away and lay it down again."""

    def lay(there: bool) -> None:
        if s.state is not state:
            s.badge(office.OFFICER if there else None)
            s.loop.after(0.5, partial(lay, not there))

    lay(False)
    s.comes(state)
