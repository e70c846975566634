"""Taps from made-up event streams, and from a device that stands behind a pipe."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from ui_fb.touch import Calibration, Code, Decoder, Tap, Touch, TouchGone, Type, X, Y, open_touch

SIZE = (800, 480)
PANEL = Calibration((0, 4095), (0, 4095))


@dataclass
class Event:
    type: int
    code: int
    value: int
    at_s: float = 0.0

    def timestamp(self) -> float:
        return self.at_s


def sync(at_s: float = 0.0) -> Event:
    return Event(Type.SYN, Code.SYN_REPORT, 0, at_s)


def finger(slot: int, x: int, y: int, at_s: float = 0.0) -> list[Event]:
    return [
        Event(Type.ABS, Code.ABS_MT_SLOT, slot),
        Event(Type.ABS, Code.ABS_MT_TRACKING_ID, 7 + slot),
        Event(Type.ABS, Code.ABS_MT_POSITION_X, x),
        Event(Type.ABS, Code.ABS_MT_POSITION_Y, y),
        sync(at_s),
    ]


def lifted(slot: int, at_s: float = 0.0) -> list[Event]:
    return [Event(Type.ABS, Code.ABS_MT_SLOT, slot), Event(Type.ABS, Code.ABS_MT_TRACKING_ID, -1), sync(at_s)]


def taps(decoder: Decoder, *streams: Iterable[Event]) -> list[Tap]:
    return [tap for stream in streams for event in stream if (tap := decoder.feed(event))]


def test_a_finger_taps_once_where_it_lands() -> None:
    drag = [Event(Type.ABS, Code.ABS_MT_POSITION_X, 4000), sync()]
    assert taps(Decoder(SIZE, PANEL), finger(0, 2048, 1024), drag, lifted(0, 1)) == [Tap(400, 120)]


def test_a_second_finger_beside_the_first_is_no_tap() -> None:
    decoder = Decoder(SIZE, PANEL)
    assert len(taps(decoder, finger(0, 100, 100), finger(1, 3000, 3000), lifted(0, 1))) == 1
    assert taps(decoder, lifted(1, 1), finger(0, 4095, 4095, 2)) == [Tap(799, 479)]


def test_a_bouncing_contact_is_one_tap() -> None:
    decoder = Decoder(SIZE, PANEL)
    assert len(taps(decoder, finger(0, 9, 9, 1), lifted(0, 1.1), finger(0, 9, 9, 1.15))) == 1
    assert len(taps(decoder, lifted(0, 1.2), finger(0, 9, 9, 1.5))) == 1


def test_lost_events_leave_no_finger_behind() -> None:
    decoder = Decoder(SIZE, PANEL)
    lost = [Event(Type.SYN, Code.SYN_DROPPED, 0), *finger(1, 5, 5, 1)]
    assert len(taps(decoder, finger(0, 9, 9), lost)) == 1
    assert len(taps(decoder, finger(0, 9, 9, 5))) == 1


def test_a_single_touch_panel_and_a_tablet_tap_too() -> None:
    for button in (Code.BTN_TOUCH, Code.BTN_LEFT):
        press = [
            Event(Type.ABS, X, 4095),
            Event(Type.ABS, Y, 0),
            Event(Type.KEY, button, 1),
            sync(),
        ]
        assert taps(Decoder(SIZE, PANEL), press) == [Tap(799, 0)]


def test_a_panel_that_reports_a_finger_twice_over_is_one_tap() -> None:
    both = [*finger(0, 0, 0)[:-1], Event(Type.KEY, Code.BTN_TOUCH, 1), sync()]
    up = [Event(Type.KEY, Code.BTN_TOUCH, 0), *lifted(0, 1)]
    assert taps(Decoder(SIZE, PANEL), both, up) == [Tap(0, 0)]


def test_a_mouse_moves_from_the_middle_and_stays_on_the_screen() -> None:
    click = [Event(Type.KEY, Code.BTN_LEFT, 1), sync()]
    up = [Event(Type.KEY, Code.BTN_LEFT, 0), sync(1)]
    far = [Event(Type.REL, X, 5000), Event(Type.REL, Y, -5000), sync(1)]
    later = [Event(Type.KEY, Code.BTN_LEFT, 1), sync(2)]
    assert taps(Decoder(SIZE, None), click, up, far, later) == [Tap(400, 240), Tap(799, 0)]


@pytest.mark.parametrize(
    ("matrix", "tap"),
    [
        ((1, 0, 0, 0, 1, 0), Tap(80, 120)),
        ((-1, 0, 1, 0, 1, 0), Tap(720, 120)),  # mirrored
        ((0, 1, 0, 1, 0, 0), Tap(200, 48)),  # axes swapped
        ((3, 0, -1, 0, 1, 0), Tap(0, 120)),  # outside: kept on the edge
    ],
)
def test_calibration_turns_and_bounds(matrix: tuple[float, ...], tap: Tap) -> None:
    spans = ((0, 1000), (0, 1000))
    assert Calibration(*spans, matrix).tap(100, 250, SIZE) == tap  # type: ignore[arg-type]


@dataclass
class Device:
    """A device behind a pipe: `send` makes it readable."""

    batches: list[list[Event]] = field(default_factory=list)
    gone: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        self.out, self.into = os.pipe()

    def send(self, events: list[Event]) -> None:
        self.batches.append(events)
        os.write(self.into, b"!")

    def unplug(self) -> None:
        self.gone = True
        os.write(self.into, b"!")

    def fileno(self) -> int:
        return self.out

    def read(self) -> list[Event]:
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        os.read(self.out, 1)
        return self.batches.pop(0)

    def close(self) -> None:
        if not self.closed:
            os.close(self.out)
            os.close(self.into)
        self.closed = True


@pytest.fixture
def device() -> Iterator[Device]:
    made = Device()
    yield made
    made.close()


def test_taps_of_one_read_come_one_by_one(device: Device) -> None:
    with Touch(device, Decoder(SIZE, PANEL)) as touch:
        device.send([*finger(0, 0, 0, 1), *lifted(0, 1.2), *finger(0, 4095, 4095, 2)])
        assert [touch.wait(1), touch.wait(1), touch.wait(0)] == [Tap(0, 0), Tap(799, 479), None]
    assert device.closed


def test_a_wait_ends_when_woken_from_another_thread(device: Device) -> None:
    heard: list[Tap] = []
    stop = threading.Event()
    with Touch(device, Decoder(SIZE, PANEL)) as touch:
        listener = threading.Thread(target=touch.listen, args=(heard.append, stop.is_set))
        listener.start()
        device.send(finger(0, 0, 0))
        stop.set()
        touch.wake()
        listener.join(10)
        assert not listener.is_alive()
    assert heard in ([], [Tap(0, 0)])  # the wake may come first


def test_an_unplugged_device_and_a_missing_one_are_typed(device: Device) -> None:
    with Touch(device, Decoder(SIZE, PANEL)) as touch:
        device.unplug()
        with pytest.raises(TouchGone):
            touch.wait(1)
    with pytest.raises(TouchGone, match="event999"):
        open_touch("/dev/input/event999", SIZE)
