"""A disk and a device fail in one visit: the ticket needs the disk, and waits for nothing else."""

from __future__ import annotations

import pytest

from statemachine import events as ev
from statemachine.guards import REQUIRED
from statemachine.machine import Flow
from statemachine.states import Device, Held, Role, S

BROKEN = ev.StoreFailed("store_damaged")
MENDED = ev.DeviceBack(Device.STORE)
OTHERS = sorted(REQUIRED - {Device.STORE})
TECHNICIAN = (ev.BadgeRead(), ev.PinAccepted("KT-01", Role.TECHNICIAN))
VISIT = (
    ev.Started(),
    ev.LanguageChosen("vi"),
    ev.WayChosen("qr"),
    ev.Identified("qr"),
    ev.PersonFound("registry", minor=False, can_prove=True),
    ev.Proven("finger"),
)
COMPLETE = ev.Resumed(Held.COMPLETE, S.RECEIPT, (), prove_again=False)


def after(*events: ev.Event) -> Flow:
    flow = Flow()
    flow.begin()
    for event in events:
        flow.feed(event)
    return flow


def fed(flow: Flow, event: ev.Event) -> S:
    flow.feed(event)
    return flow.state


@pytest.mark.parametrize("device", OTHERS)
def test_a_kept_visit_gets_its_ticket_as_soon_as_the_disk_is_back(device: Device) -> None:
    flow = after(*VISIT, BROKEN, ev.DeviceLost(device))
    assert flow.state is S.OUT_OF_ORDER
    assert fed(flow, MENDED) is S.PAUSED and device in flow.session.lost


@pytest.mark.parametrize("device", OTHERS)
def test_a_finished_card_gets_its_receipt_as_soon_as_the_disk_is_back(device: Device) -> None:
    flow = after(COMPLETE, ev.DeviceLost(device), BROKEN, MENDED)
    assert flow.state is S.RECEIPT


@pytest.mark.parametrize("device", OTHERS)
def test_without_the_disk_no_other_device_brings_a_ticket(device: Device) -> None:
    flow = after(*VISIT, BROKEN, ev.DeviceLost(device), ev.DeviceBack(device))
    assert flow.state is S.OUT_OF_ORDER
    assert fed(flow, MENDED) is S.PAUSED


@pytest.mark.parametrize("device", OTHERS)
def test_a_box_that_keeps_nothing_waits_for_all_of_its_devices(device: Device) -> None:
    flow = after(BROKEN, ev.DeviceLost(device), MENDED)
    assert flow.state is S.OUT_OF_ORDER
    assert fed(flow, ev.DeviceBack(device)) is S.ATTRACT


def test_a_disk_that_comes_back_under_a_technician_is_enough_when_they_leave() -> None:
    flow = after(*VISIT, BROKEN, ev.DeviceLost(Device.FINGER), *TECHNICIAN, MENDED)
    assert flow.state is S.TECHNICIAN
    assert fed(flow, ev.BackPressed()) is S.PAUSED


def test_a_technician_who_leaves_before_the_disk_is_back_leaves_the_box_out_of_order() -> None:
    flow = after(*VISIT, BROKEN, ev.DeviceLost(Device.FINGER), *TECHNICIAN, ev.BackPressed())
    assert flow.state is S.OUT_OF_ORDER
