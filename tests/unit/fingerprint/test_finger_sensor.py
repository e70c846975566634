"""The driver over the virtual sensor: what it promises, and what it says when the sensor misbehaves."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import usb.core
from support.finger_bench import a_print, differing, driver, virtual_bench
from support.finger_contract import check_quiet, check_session

from drivers.errors import DeviceGone, DeviceRefused, DeviceTimeout, ProtocolError
from drivers.fingerprint import open_sensor, uru4000
from drivers.fingerprint.models import MODELS, Model
from drivers.virtual.usb_sensor import FRAME_S, VirtualSensor

LOST_BYTES = 4  # the last of each scrambled run


def test_a_touch_from_an_empty_glass_to_an_empty_glass() -> None:
    image = check_session(virtual_bench())
    assert differing(image.pixels, a_print()) <= LOST_BYTES + a_print().shape[1]  # and the absent row


def test_an_empty_glass_reports_no_finger_and_gives_a_blank_frame() -> None:
    check_quiet(virtual_bench())


def test_an_empty_glass_is_bright_all_over() -> None:
    with driver(VirtualSensor()) as sensor:
        assert sensor.frame(2.0).pixels.min() > 200


def test_a_finger_that_lies_there_already_is_reported() -> None:
    glass = VirtualSensor()
    glass.place(a_print())
    with driver(glass) as sensor:
        assert sensor.await_finger(True, 2.0)
        assert sensor.await_finger(True, 2.0)


def test_a_finger_placed_between_two_waits_is_not_missed() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        assert not sensor.await_finger(True, 0.01)
        glass.place(a_print())
        assert sensor.await_finger(True, 2.0)


def test_a_finger_placed_while_waiting_ends_the_wait() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        hand = threading.Timer(0.01, glass.place, [a_print()])
        hand.start()
        assert sensor.await_finger(True, 5.0)
        hand.join()


def test_frames_follow_one_another_and_show_what_lies_there_now() -> None:
    glass = VirtualSensor()
    glass.place(a_print())
    with driver(glass) as sensor:
        first, second = sensor.frame(2.0), sensor.frame(2.0)
        glass.lift()
        third = sensor.frame(2.0)
    assert differing(first.pixels, second.pixels) == 0
    assert third.pixels.min() > 200


def test_a_key_that_changes_within_a_frame_is_followed() -> None:
    glass = VirtualSensor()
    glass.place(a_print())
    glass.change_key()
    with driver(glass) as sensor:
        assert differing(sensor.frame(2.0).pixels, a_print()) <= LOST_BYTES + a_print().shape[1]


@pytest.mark.parametrize("act", ["await a finger", "wake", "go on"])
def test_the_frame_after_death_is_not_believed(act: str) -> None:
    """Whatever is done between the two, and though it was heard before."""
    glass = VirtualSensor()
    glass.place(a_print())
    with driver(glass) as sensor:
        assert sensor.await_finger(True, 2.0)
        if act == "wake":
            sensor.rest(1.0)
        glass.die()
        assert glass.heard(2.0)
        if act == "await a finger":
            assert sensor.await_finger(True, 2.0)
        assert sensor.frame(2.0).pixels.min() < 100


def test_leaving_puts_the_sensor_to_sleep_even_after_an_error() -> None:
    glass = VirtualSensor()
    with pytest.raises(ZeroDivisionError), driver(glass) as sensor:
        sensor.await_finger(True, 0.0)
        assert not glass.asleep
        raise ZeroDivisionError
    assert glass.asleep


def test_no_thread_outlives_the_sensor() -> None:
    before = set(threading.enumerate())
    with driver(VirtualSensor()) as sensor:
        sensor.frame(2.0)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before


def test_a_wedged_sensor_is_brought_back() -> None:
    glass = VirtualSensor()
    glass.wedge(polls=3)
    pauses: list[float] = []
    with driver(glass, pause=pauses.append) as sensor:
        sensor.frame(2.0)
    assert pauses == [0.01, 0.01]


def test_a_sensor_that_stays_wedged_is_given_up() -> None:
    glass = VirtualSensor()
    glass.wedge(polls=1000)
    with pytest.raises(DeviceTimeout, match="HWSTAT"), driver(glass, pause=lambda _: None):
        pass


@pytest.mark.parametrize("size", [0, 63, 64, 5000, 111_039])
def test_a_short_frame_is_a_protocol_error(size: int) -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        glass.cut_next_frame(size)
        with pytest.raises(ProtocolError):
            sensor.frame(2.0)
        sensor.frame(2.0)  # and the next one is good


def in_a_moment(act: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(0.02, act)
    timer.start()
    return timer


def test_unplugged_while_waiting_for_a_finger_is_gone() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        hand = in_a_moment(glass.unplug)
        with pytest.raises(DeviceGone):
            sensor.await_finger(True, 5.0)
        hand.join()


def test_unplugged_before_a_frame_is_gone() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        glass.unplug()
        with pytest.raises(DeviceGone):
            sensor.frame(1.0)


def test_plugged_in_again_is_another_device_and_works_after_reopening() -> None:
    glass = VirtualSensor()
    sensor = driver(glass)
    with sensor:
        glass.unplug()
        glass.plug()
        with pytest.raises(DeviceGone):
            sensor.frame(1.0)
    with sensor:
        sensor.frame(2.0)


def test_no_sensor_is_gone() -> None:
    glass = VirtualSensor()
    glass.unplug()
    with pytest.raises(DeviceGone, match="no sensor is plugged in"), driver(glass):
        pass


def test_a_mute_sensor_times_out() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        glass.mute()
        with pytest.raises(DeviceTimeout):
            sensor.frame(0.05)


def test_a_sensor_mute_from_the_start_times_out() -> None:
    glass = VirtualSensor()
    glass.mute()
    with pytest.raises(DeviceTimeout), driver(glass):
        pass


def test_a_frame_takes_its_time_when_asked_to() -> None:
    waited: list[float] = []
    with driver(VirtualSensor(pause=waited.append)) as sensor:
        sensor.frame(2.0)
        sensor.frame(2.0)
    assert waited == [FRAME_S, FRAME_S]


def test_the_sensor_is_chosen_by_its_serial() -> None:
    glass = VirtualSensor(serial="A7")
    with driver(glass, serial="A7") as sensor:
        assert sensor.info.serial == "A7"
        assert sensor.info.virtual
    with pytest.raises(DeviceGone, match="B8"), driver(glass, serial="B8"):
        pass


def test_the_sensor_is_chosen_by_its_usb_ids() -> None:
    with pytest.raises(DeviceGone), open_sensor(vendor=0x05BA, product=0x0007, backend=VirtualSensor()):
        pass
    with open_sensor(vendor=0x05BA, product=0x000A, backend=VirtualSensor()) as sensor:
        assert "4500" in sensor.info.model


MICROSOFT_V2 = (0x045E, 0x00CA)


def test_the_second_microsoft_reader_wakes_for_a_driver_that_proves_itself() -> None:
    glass = VirtualSensor(ids=MICROSOFT_V2)
    glass.place(a_print())
    with driver(glass, pause=lambda _: None) as sensor:
        assert "v2" in sensor.info.model
        assert sensor.await_finger(True, 2.0)
        assert sensor.frame(2.0).pixels.min() < 100


def test_it_stays_asleep_for_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uru4000, "AUTH_KEY", bytes(16))
    with pytest.raises(DeviceTimeout, match="HWSTAT"):
        driver(VirtualSensor(ids=MICROSOFT_V2), pause=lambda _: None).__enter__()


@pytest.mark.parametrize("model", [each for each in MODELS if not each.authenticates], ids=lambda m: m.name)
def test_every_member_of_the_family_gives_a_picture_the_right_way_up(model: Model) -> None:
    glass = VirtualSensor(ids=(model.vendor, model.product))
    glass.place(a_print())
    with driver(glass) as sensor:
        assert sensor.info.model == model.name
        pixels = sensor.frame(2.0).pixels
    upright = pixels if model.turned else pixels[::-1, ::-1]
    assert differing(np.ascontiguousarray(upright), a_print()) < a_print().size // 50


class TwoSensors:
    """A bus with two of them: what `usb.core.find` sees."""

    def __init__(self, *glasses: VirtualSensor) -> None:
        self._glasses = glasses

    def enumerate_devices(self) -> Iterator[object]:
        for glass in self._glasses:
            yield from ((glass, device) for device in glass.enumerate_devices())

    def __getattr__(self, name: str) -> Any:
        """Each call goes to the sensor whose device or handle comes first."""

        def call(first: Any, *rest: Any) -> Any:
            glass, own = first if isinstance(first, tuple) else self._of[first]
            answer = getattr(glass, name)(own, *rest)
            if name == "open_device":
                self._of[answer] = (glass, answer)
            return answer

        return call

    _of: ClassVar[dict[Any, Any]] = {}


def test_of_two_sensors_the_one_with_the_configured_serial_is_taken() -> None:
    left, right = VirtualSensor(serial="L"), VirtualSensor(serial="R")
    right.place(a_print())
    bus = TwoSensors(left, right)
    with driver(bus, serial="R") as sensor:
        assert sensor.await_finger(True, 2.0)
    with driver(bus, serial="L") as sensor:
        assert not sensor.await_finger(True, 0.05)


def test_a_sensor_at_rest_is_dark_and_wakes_for_the_next_finger() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        assert not sensor.await_finger(True, 0.01)
        sensor.rest(1.0)
        assert glass.asleep
        sensor.rest(1.0)
        glass.place(a_print())
        assert sensor.await_finger(True, 2.0)
        assert not glass.asleep
        sensor.rest(1.0)
        assert sensor.frame(2.0).pixels.min() < 100


def test_a_sensor_at_rest_that_is_pulled_is_noticed() -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:
        sensor.rest(1.0)
        glass.unplug()
        with pytest.raises(DeviceGone):
            sensor.rest(1.0)


def test_a_sensor_that_falls_silent_while_it_waits_for_a_finger_is_noticed_within_a_second() -> None:
    """No signal comes from an empty glass either, so it is asked."""
    glass, now = VirtualSensor(), Hands()
    with driver(glass, clock=now) as sensor:
        assert not sensor.await_finger(True, 0.0)
        glass.mute()
        now.seconds = uru4000.SILENCE_S - 0.01
        assert not sensor.await_finger(True, 0.0)
        now.seconds = uru4000.SILENCE_S
        with pytest.raises(DeviceTimeout):
            sensor.await_finger(True, 0.0)


ASLEEP: dict[str, Callable[[VirtualSensor], None]] = {
    "low power": VirtualSensor.doze,
    "wedged": VirtualSensor.wedge,
}


@pytest.mark.parametrize("how", ASLEEP)
@pytest.mark.parametrize("on", [True, False])
def test_a_sensor_that_fell_asleep_while_it_waits_is_woken_within_a_second(how: str, on: bool) -> None:
    """Its registers answer, and no finger would ever be told: nobody need come for that."""
    glass, now = VirtualSensor(), Hands()
    if not on:
        glass.place(a_print())
    with driver(glass, clock=now, pause=lambda _: None) as sensor:
        assert not sensor.await_finger(on, 0.0)
        ASLEEP[how](glass)
        glass.place(a_print()) if on else glass.lift()
        assert not sensor.await_finger(on, 0.0), "asleep it tells nothing"
        now.seconds += uru4000.SILENCE_S
        assert sensor.await_finger(on, 2.0)


def test_asking_a_sensor_that_waits_loses_no_signal() -> None:
    glass, now = VirtualSensor(), Hands()
    with driver(glass, clock=now) as sensor:
        for now.seconds in range(5):
            assert not sensor.await_finger(True, 0.0)
        glass.place(a_print())
        assert sensor.await_finger(True, 2.0)


class Hands:
    """A clock that stands where it is put."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


PLACES = ("enter", "await_finger", "frame", "rest", "leave")


@pytest.mark.parametrize("place", PLACES)
def test_unplugged_at_any_point_is_gone_and_plugged_in_again_it_works(place: str) -> None:
    glass = VirtualSensor()
    sensor = driver(glass)
    acts = {"await_finger": lambda: sensor.await_finger(True, 0.2), "frame": lambda: sensor.frame(0.2)}
    acts |= {"rest": lambda: sensor.rest(0.2)}  # type: ignore[dict-item]
    if place == "enter":
        glass.unplug()
        with pytest.raises(DeviceGone):
            sensor.__enter__()
    else:
        with sensor:
            glass.unplug()
            if place in acts:
                with pytest.raises(DeviceGone):
                    acts[place]()
    glass.plug()
    with sensor:
        assert sensor.frame(2.0).pixels.min() > 200


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.ENODEV, DeviceGone),
        (errno.EIO, DeviceGone),
        (errno.EACCES, DeviceRefused),
        (errno.EBUSY, DeviceRefused),
        (errno.EPIPE, ProtocolError),
        (errno.EOVERFLOW, ProtocolError),
    ],
)
def test_what_the_operating_system_says_at_opening_is_translated(
    monkeypatch: pytest.MonkeyPatch, number: int, fault: type[Exception]
) -> None:
    def refuse(*_: object) -> None:
        raise usb.core.USBError("no", None, number)

    glass = VirtualSensor()
    monkeypatch.setattr(glass, "claim_interface", refuse)
    with pytest.raises(fault), driver(glass):
        pass


def test_a_bug_in_the_reading_thread_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    glass = VirtualSensor()
    with driver(glass) as sensor:

        def broken(*_: object) -> int:
            raise ZeroDivisionError

        monkeypatch.setattr(glass, "intr_read", broken)
        with pytest.raises(ZeroDivisionError):
            sensor.await_finger(True, 5.0)


def test_using_it_outside_its_block_is_a_bug() -> None:
    with pytest.raises(RuntimeError):
        driver(VirtualSensor()).frame(0.1)


def test_the_picture_keeps_its_orientation() -> None:
    arrow = np.full((290, 384), 255, np.uint8)
    arrow[10:40, 20:60] = 0
    glass = VirtualSensor()
    glass.place(arrow)
    with driver(glass) as sensor:
        seen = sensor.frame(2.0).pixels
    assert seen[25, 40] == 0
    assert seen[265, 344] == 255
