"""The contract of `drivers.api.Panel`: the GPIO driver on gpiozero's mock pins."""

from __future__ import annotations

import gc
import warnings

import pytest

from drivers.api import PanelInput
from drivers.errors import DeviceFault, DeviceGone, DeviceRefused
from drivers.panel.gpio import LAMP_STEPS, GpioPanel
from drivers.virtual.panel import PINS, VirtualPanel


def test_all_outputs_are_off_from_the_start() -> None:
    with VirtualPanel() as panel:
        assert panel.light() == (0.0, 0.0)
        assert not panel.tray_locked
        assert not panel.buzzing


def test_lamps_shine_in_steps() -> None:
    with VirtualPanel() as panel:
        panel.lamps(0.4, 0.95)
        assert panel.light() == pytest.approx((1 / LAMP_STEPS, 1.0))


@pytest.mark.parametrize(("asked", "shown"), [(-1.0, 0.0), (0.0, 0.0), (2.0, 1.0)])
def test_brightness_is_kept_within_0_and_1(asked: float, shown: float) -> None:
    with VirtualPanel() as panel:
        panel.lamps(asked, asked)
        assert panel.light() == (shown, shown)


def test_safe_puts_everything_out_and_frees_the_tray() -> None:
    with VirtualPanel() as panel:
        panel.lamps(1.0, 1.0)
        panel.tray(locked=True)
        panel.buzz(5.0)
        panel.safe()
        assert (panel.light(), panel.tray_locked, panel.buzzing) == ((0.0, 0.0), False, False)


def test_an_error_on_the_way_out_leaves_the_outputs_safe() -> None:
    panel = VirtualPanel()
    with pytest.raises(ZeroDivisionError), panel:
        panel.lamps(1.0, 1.0)
        panel.tray(locked=True)
        pins = [panel._mock.pin(PINS[name]) for name in ("lamp_left", "lamp_right", "tray_lock")]
        _ = 1 / 0
    assert not any(pin.function == "output" and pin.state for pin in pins)


def test_each_change_of_a_contact_is_heard_once() -> None:
    heard: list[PanelInput] = []
    with VirtualPanel() as panel:
        panel.listen(heard.append)
        panel.close_tray()
        panel.open_tray()
        panel.open_door()
        panel.close_door()
        panel.tamper()
    assert heard == [
        PanelInput.TRAY_CLOSED,
        PanelInput.TRAY_OPENED,
        PanelInput.DOOR_OPENED,
        PanelInput.DOOR_CLOSED,
        PanelInput.TAMPERED,
    ]


def test_a_locked_tray_cannot_be_pulled() -> None:
    heard: list[PanelInput] = []
    with VirtualPanel() as panel:
        panel.close_tray()
        panel.listen(heard.append)
        panel.tray(locked=True)
        panel.open_tray()
        assert heard == []
        panel.tray(locked=False)
        panel.open_tray()
    assert heard == [PanelInput.TRAY_OPENED]


def test_a_tone_is_started_and_does_not_block() -> None:
    with VirtualPanel() as panel:
        panel.buzz(3.0)
        assert panel.buzzing


def test_a_lamp_that_low_switches_on_is_high_when_off() -> None:
    class LowPanel(VirtualPanel):
        def __init__(self) -> None:
            super().__init__()
            self._active_low = frozenset({"tray_lock"})

    with LowPanel() as panel:
        pin = panel._mock.pin(PINS["tray_lock"])
        assert pin.state == 1
        panel.tray(locked=True)
        assert pin.state == 0


def test_an_unplugged_panel_is_gone_until_plugged() -> None:
    panel = VirtualPanel()
    with panel:
        panel.lamps(1.0, 1.0)
        panel.unplug()
        assert panel.light() == (0.0, 0.0)
        for act in (lambda: panel.lamps(0, 0), lambda: panel.tray(True), lambda: panel.buzz(1), panel.safe):
            with pytest.raises(DeviceGone):
                act()
    with pytest.raises(DeviceGone), panel:
        pass
    panel.plug()
    with panel:
        assert panel.light() == (0.0, 0.0)


def test_a_closed_panel_refuses() -> None:
    panel = VirtualPanel()
    with panel:
        pass
    with pytest.raises(DeviceRefused):
        panel.lamps(1.0, 1.0)


@pytest.mark.parametrize(
    "pins",
    [
        {},
        {**PINS, "fan": 4},
        {name: pin for name, pin in PINS.items() if name != "tamper"},
    ],
)
def test_a_board_file_with_other_pins_is_refused_before_anything_opens(pins: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="lamp_left"):
        GpioPanel(pins)


def test_two_parts_on_one_pin_are_a_fault_and_leave_nothing_open() -> None:
    panel = VirtualPanel({**PINS, "lamp_right": PINS["lamp_left"]})
    with pytest.raises(DeviceFault), panel:
        pass
    assert panel._parts == {} or panel.light() == (0.0, 0.0)


def test_a_machine_without_gpio_has_no_panel() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gpiozero tells of each pin factory that it tried
        try:
            with pytest.raises(DeviceFault), GpioPanel(PINS):
                pytest.skip("this machine has GPIO pins")
        finally:
            gc.collect()
