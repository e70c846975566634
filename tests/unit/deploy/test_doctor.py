"""`kiosk doctor` names the cause and what mends it, and holds what it times against a limit."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from config.load import load
from drivers import errors
from drivers.virtual.card.card import blank_card
from firmware import doctor
from firmware.app.devices import Openers
from firmware.doctor import Finding, advice_for, examine, failed
from firmware.sim.station import VirtualStation

CAUSES = {
    ("chip", "reach pcscd: PC/SC 0x8010001d"): "systemctl start pcscd",
    ("chip", "list readers: PC/SC 0x8010002e"): "check its cable",
    ("chip", "open: its process has ended"): "apt install pcscd",
    ("finger", "open: libusb-1.0 is not installed"): "apt install libusb-1.0-0",
    ("finger", "open: no sensor is plugged in"): "lsusb",
    ("finger", "open: Access denied (insufficient permissions)"): "udev rules",
    ("finger", "open: Resource busy"): "systemctl stop idkiosk",
    ("camera", "import picamera2 (apt install python3-picamera2)"): "apt install python3-picamera2",
    ("camera", "open 0"): "check the cable and power of the camera",
}


@pytest.fixture
def station() -> VirtualStation:
    return VirtualStation(wait=lambda _: None)


def found(openers: Openers) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(load(), openers)}


def without(error: Exception) -> Any:
    def opens() -> AbstractContextManager[Any]:
        raise error

    return opens


@pytest.mark.parametrize(("device", "says"), CAUSES)
def test_the_advice_is_for_the_cause(device: str, says: str) -> None:
    assert CAUSES[device, says] in advice_for(device, errors.DeviceGone(device, says))


def test_the_badge_reader_is_advised_as_a_reader(station: VirtualStation) -> None:
    gone = errors.DeviceGone("chip", "reach pcscd: PC/SC 0x8010001d")
    badge = found(replace(station.openers(), badge=without(gone)))["badge"]
    assert badge.verdict == doctor.FAIL
    assert "systemctl start pcscd" in badge.advice


def test_a_missing_python_library_is_a_finding_and_no_traceback(station: VirtualStation) -> None:
    finger = found(replace(station.openers(), finger=without(ImportError("no usb"))))["finger"]
    assert (finger.verdict, finger.value) == (doctor.FAIL, "no usb")
    assert "deploy/setup" in finger.advice


def test_what_is_timed_is_given_against_its_limit(station: VirtualStation) -> None:
    station.chip.put(blank_card())
    findings = found(station.openers())
    for name, limit in (
        ("finger", "frame ≤ 300 ms"),
        ("camera", "frame ≤ 67 ms"),
        ("chip", "reset ≤ 1000 ms"),
    ):
        assert findings[name].limit == limit
        assert findings[name].value.endswith(" ms")
    assert findings["badge"].limit == "opens"


class SlowCamera:
    """Gives five pictures a second, by its own clock."""

    info = SimpleNamespace(model="slow", virtual=False)

    def __init__(self) -> None:
        self._frames = 0

    def __enter__(self) -> SlowCamera:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def preview(self, _: float) -> Any:
        self._frames += 1
        return SimpleNamespace(at_s=0.2 * self._frames, bgr=SimpleNamespace(shape=(480, 640, 3)))


def test_a_camera_that_is_too_slow_fails(station: VirtualStation) -> None:
    camera = found(replace(station.openers(), camera=SlowCamera))["camera"]  # type: ignore[arg-type]
    assert camera.value == "slow, 640 × 480, frame 200 ms"
    assert failed([camera])
    assert "light" in camera.advice
