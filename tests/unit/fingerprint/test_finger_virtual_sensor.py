"""The virtual sensor is as strict as the real one: what is out of order stalls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import usb.core
import usb.util
from support.finger_bench import a_print

from drivers.virtual.usb_sensor import VirtualSensor

HWSTAT, SCRAMBLE, KEY, MODE, INFO = 0x07, 0x33, 0x34, 0x4E, 0xF0
SHORT_MS = 20


@pytest.fixture
def glass() -> VirtualSensor:
    return VirtualSensor(serial="Ä7")


@pytest.fixture
def device(glass: VirtualSensor) -> Iterator[Any]:
    device = usb.core.find(backend=glass)
    yield device
    usb.util.dispose_resources(device)


def write(device: Any, register: int, *data: int) -> None:
    device.ctrl_transfer(0x40, 0x04, register, 0, bytes(data), SHORT_MS)


def read(device: Any, register: int, count: int) -> bytes:
    return bytes(device.ctrl_transfer(0xC0, 0x04, register, 0, count, SHORT_MS))


def wake(device: Any) -> None:
    with ThreadPoolExecutor() as threads:
        packet = threads.submit(device.read, 0x81, 64, 2000)
        write(device, HWSTAT, 0x81)
        write(device, HWSTAT, 0x01)
        assert bytes(packet.result()[:2]) == bytes.fromhex("56aa")


def stalls() -> Any:
    return pytest.raises(usb.core.USBError, match="Pipe")


def test_its_strings_are_read_as_from_any_device(device: Any) -> None:
    assert device.serial_number == "Ä7"
    assert "4500" in device.product


def test_it_is_not_woken_while_nobody_reads_interrupts(device: Any) -> None:
    with stalls():
        write(device, HWSTAT, 0x81)


def test_nothing_is_told_to_a_sleeping_sensor(device: Any) -> None:
    with stalls():
        write(device, MODE, 0x10)
    with stalls():
        read(device, INFO, 16)


@pytest.mark.parametrize("data", [(), (0x11,), (0x10, 0x10)])
def test_a_mode_it_does_not_know_stalls(device: Any, data: tuple[int, ...]) -> None:
    wake(device)
    with stalls():
        write(device, MODE, *data)


@pytest.mark.parametrize(("register", "count"), [(HWSTAT, 2), (INFO, 15), (KEY, 4), (0x2010, 16), (0x99, 1)])
def test_what_cannot_be_read_stalls(device: Any, register: int, count: int) -> None:
    wake(device)
    with stalls():
        read(device, register, count)


def test_a_key_is_not_given_before_a_frame(device: Any) -> None:
    wake(device)
    with stalls():
        write(device, SCRAMBLE, 0, 1, 2, 3, 4)


def test_capture_does_not_begin_while_nobody_reads(device: Any) -> None:
    wake(device)
    with stalls():
        write(device, MODE, 0x20)


def test_another_request_stalls(device: Any) -> None:
    with stalls():
        device.ctrl_transfer(0xC0, 0x05, HWSTAT, 0, 1, SHORT_MS)
    with stalls():
        device.ctrl_transfer(0xC0, 0x04, HWSTAT, 1, 1, SHORT_MS)


def test_no_frame_comes_before_capture(device: Any) -> None:
    wake(device)
    with pytest.raises(usb.core.USBTimeoutError):
        device.read(0x82, 111_424, SHORT_MS)


def test_a_frame_has_the_recorded_size_and_needs_room(device: Any) -> None:
    wake(device)
    with ThreadPoolExecutor() as threads:
        frame = threads.submit(device.read, 0x82, 111_424, 2000)
        write(device, MODE, 0x20)
        assert len(frame.result()) == 111_040
    with pytest.raises(usb.core.USBError, match="Overflow"):
        device.read(0x82, 1000, SHORT_MS)


def test_a_finger_is_told_once_for_each_question(glass: VirtualSensor, device: Any) -> None:
    wake(device)
    device.read(0x81, 64, SHORT_MS)  # power is reported twice
    write(device, MODE, 0x10)
    glass.place(a_print())
    glass.place(a_print())
    assert bytes(device.read(0x81, 64, SHORT_MS)[:2]) == b"\x01\x01"
    with pytest.raises(usb.core.USBTimeoutError):
        device.read(0x81, 64, SHORT_MS)


def test_pulling_the_cable_ends_a_pending_read_at_once(glass: VirtualSensor, device: Any) -> None:
    device.get_active_configuration()
    hand = threading.Timer(0.02, glass.unplug)
    hand.start()
    with pytest.raises(usb.core.USBError, match="disconnected"):
        device.read(0x81, 64, 60_000)
    hand.join()
    assert usb.core.find(backend=glass) is None


@pytest.mark.parametrize(
    "impression", [np.zeros((10, 10)), np.zeros((10, 10, 3), np.uint8), np.zeros((10, 1001), np.uint8)]
)
def test_what_is_no_impression_is_not_placed(glass: VirtualSensor, impression: Any) -> None:
    with pytest.raises(ValueError, match="no impression"):
        glass.place(impression)
