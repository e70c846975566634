"""Lamps on the kernel's hardware PWM: a stand-in of its sysfs folder that refuses what the kernel refuses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused
from drivers.panel.pwm import PERIOD_NS, SysfsLamp
from drivers.virtual.panel import PINS, VirtualPanel

LEAST = {"period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"}


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    """Two channels, exported already, as an earlier run that was killed leaves them: lamps on."""
    for number in range(2):
        channel = tmp_path / f"pwm{number}"
        channel.mkdir()
        for name, text in {**LEAST, "duty_cycle": "99", "enable": "1"}.items():
            (channel / name).write_text(text)
    return tmp_path


def told(chip: Path, channel: int, name: str) -> str:
    return (chip / f"pwm{channel}" / name).read_text()


def test_a_lamp_is_dark_when_opened_and_when_left(chip: Path) -> None:
    with SysfsLamp(chip, 0) as lamp:
        assert told(chip, 0, "duty_cycle") == "0"
        assert (told(chip, 0, "period"), told(chip, 0, "enable")) == (str(PERIOD_NS), "1")
        lamp.value = 1 / 3
        assert told(chip, 0, "duty_cycle") == str(round(PERIOD_NS / 3))
    assert (told(chip, 0, "duty_cycle"), told(chip, 0, "enable")) == ("0", "0")
    assert (chip / "unexport").read_text() == "0"


def test_an_active_low_lamp_has_the_other_polarity(chip: Path) -> None:
    with SysfsLamp(chip, 1, active_high=False):
        assert told(chip, 1, "polarity") == "inversed"


def test_a_channel_that_udev_gives_late_is_waited_for(tmp_path: Path) -> None:
    def appear() -> None:
        (tmp_path / "pwm0").mkdir()
        for name, text in LEAST.items():
            (tmp_path / "pwm0" / name).write_text(text)

    later = threading.Timer(0.05, appear)
    later.start()
    with SysfsLamp(tmp_path, 0) as lamp:
        lamp.value = 1.0
    later.join()
    assert (tmp_path / "export").read_text() == "0"


def test_the_panel_drives_its_lamps_through_hardware_pwm(chip: Path) -> None:
    with VirtualPanel(lamp_pwm=chip) as panel:
        panel.lamps(1.0, 0.4)
        assert told(chip, 0, "duty_cycle") == str(PERIOD_NS)
        assert told(chip, 1, "duty_cycle") == str(round(PERIOD_NS / 3))
        panel.safe()
        assert told(chip, 0, "duty_cycle") == "0"


def test_a_board_without_the_named_pwm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceRefused), VirtualPanel(PINS, lamp_pwm=tmp_path / "pwmchip9"):
        pass
