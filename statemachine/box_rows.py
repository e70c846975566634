"""The box itself: the team's screens, and devices and the disk, wherever a visit stands."""

from __future__ import annotations

from statemachine import effects as fx
from statemachine import events as ev
from statemachine import guards as g
from statemachine import notes as n
from statemachine.rows import STAY, Row, ask, await_any_badge, kept, technician_leaves, well_again
from statemachine.session import Aim
from statemachine.states import CHIP, Device, S


def _device_rows() -> list[Row]:
    """A lost device stops the step that needs it; every other step goes on and remembers."""
    stops = {
        S.PROVE: (Device.FINGER, S.HELP),
        S.FINGERS: (Device.FINGER, S.HELP),
        S.PORTRAIT: (Device.CAMERA, S.HELP),
        S.PLACE_CARD: (Device.CHIP, S.HELP),
        **dict.fromkeys(CHIP, (Device.CHIP, S.HOLD_STILL)),
    }
    rows = [
        Row(step, ev.DeviceLost, side, g.device_is(device), n.lost_here)
        for step, (device, side) in stops.items()
    ]
    rows.append(Row(S.IDENTIFY, ev.DeviceLost, S.IDENTIFY, g.needs_device, n.lost_way))
    rows.append(Row(S.ATTRACT, ev.DeviceLost, S.OUT_OF_ORDER, g.device_required, n.lost_here))
    rows.append(Row(S.HOLD_STILL, ev.DeviceBack, S.HOLD_STILL, g.device_is(Device.CHIP), n.back))
    rows += kept(S.OUT_OF_ORDER, ev.DeviceBack, n.back, g.store_again)
    rows.append(Row(S.OUT_OF_ORDER, ev.DeviceBack, S.ATTRACT, g.well_again, n.back))
    rows += _badge_reader_rows()
    for state in S:
        rows.append(Row(state, ev.DeviceLost, STAY, None, n.lost))
        rows.append(Row(state, ev.DeviceBack, STAY, None, n.back))
    return rows


def _badge_reader_rows() -> list[Row]:
    """Where staff may come at any moment, a reader that is back is asked for their cards again."""
    back = g.all_of(g.device_is(Device.BADGE), g.was_lost)
    waiting = (
        (S.HELP, ask(fx.AwaitBadge)),
        (S.ATTRACT, await_any_badge),
        (S.OUT_OF_ORDER, await_any_badge),
    )
    return [Row(state, ev.DeviceBack, STAY, back, n.back, (asks,)) for state, asks in waiting]


BOX_ROWS: tuple[Row, ...] = (
    # -- the team's screens
    Row(S.STATUS, ev.TechnicianPressed, S.OFFICER, None, n.note(aim=Aim.TECHNICIAN)),
    Row(S.OUT_OF_ORDER, ev.BadgeRead, S.OFFICER, g.locked, n.note(aim=Aim.UNLOCK)),
    Row(S.OUT_OF_ORDER, ev.BadgeRead, S.OFFICER, None, n.note(aim=Aim.TECHNICIAN)),
    Row(S.STATUS, ev.BackPressed, S.ATTRACT),
    Row(S.STATUS, ev.TimedOut, S.ATTRACT),
    *technician_leaves(S.TECHNICIAN, ev.BackPressed, None),
    *technician_leaves(S.TECHNICIAN, ev.TimedOut, None),
    # -- a cold boot: the PIN opens the box's keys, and then its store opens
    Row(S.OFFICER, ev.Unlocked, STAY, g.aim_unlock, n.because("unlocked")),
    Row(S.OFFICER, ev.Unlocked, STAY),
    *well_again(S.OFFICER, ev.DeviceBack, n.back, g.aim_unlock, g.device_is(Device.STORE)),
    Row(S.OFFICER, ev.StoreFailed, S.OUT_OF_ORDER, g.all_of(g.aim_unlock, g.other_than_locked), n.store_lost),
    # -- devices and the disk, wherever the visit stands
    *_device_rows(),
    *(
        Row(state, ev.StoreFailed, STAY, g.store_is_lost, n.store_lost)
        for state in (S.OUT_OF_ORDER, S.OFFICER, S.TECHNICIAN, S.STATUS, S.SWAP)
    ),
    *(Row(state, ev.StoreFailed, S.OUT_OF_ORDER, None, n.store_lost) for state in S),
)
