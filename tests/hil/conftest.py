"""One device of each class for the contracts: the real one where it is named, else a virtual one.

A fixture that yields a device says which it was; the table at the end of the run shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import finger_bench, hil
from support.camera_contract import Make
from support.finger_contract import Bench
from support.hil import Asked, Devices, DevicesError, Ledger, Origin
from support.panel_contract import PanelBench, VirtualPanelHands

from drivers.api import ChipReader
from drivers.fingerprint.uru4000 import Uru4000
from drivers.virtual.camera import VirtualCamera
from drivers.virtual.card import VirtualReader, blank_card
from drivers.virtual.panel import VirtualPanel
from firmware.app.devices import panel_pins, real_openers
from firmware.touchscreen import first_touch_screen
from ui_fb.display import Display, MemoryDisplay
from ui_fb.framebuffer import Framebuffer
from ui_fb.touch import Touch, open_touch

DEVICE = "device"
USED = pytest.StashKey[list[tuple[str, Origin, str]]]()
Was = Callable[[str, Origin, str], None]


@pytest.fixture(scope="session")
def devices() -> Devices:
    """What is plugged in, by the file that IDKIOSK_HIL names."""
    try:
        return hil.named_devices()
    except DevicesError as exc:
        pytest.exit(str(exc), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture
def was(request: pytest.FixtureRequest) -> Was:
    """Note for the table: class of device, real, recorded or virtual, and which one."""
    used = request.node.stash.setdefault(USED, [])
    return lambda kind, origin, which: used.append((kind, origin, which))


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tell the person at the bench something, past pytest's capture."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    reporter = request.config.pluginmanager.getplugin("terminalreporter")

    def told(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\n>>> {text}", bold=True)

    return told


@pytest.fixture
def hands_needed(devices: Devices) -> Callable[[], None]:
    """Skip where a person is needed and nobody is there."""

    def needed() -> None:
        if not devices.attended:
            pytest.skip("nobody is at the bench (attended = true in the file of IDKIOSK_HIL)")

    return needed


@pytest.fixture
def sensor_bench(
    devices: Devices, was: Was, say: Callable[[str], None], hands_needed: Callable[[], None]
) -> Bench:
    """A closed finger sensor and hands."""
    if devices.finger is None:
        was("finger", Origin.VIRTUAL, "U.are.U 4500, register by register under pyusb")
        return finger_bench.virtual_bench()
    was("finger", Origin.REAL, f"serial {devices.finger.serial or 'any'}")
    hands_needed()
    hands = Asked(say, "lay a finger on the sensor", "leave the sensor's glass empty")
    return Bench(Uru4000(serial=devices.finger.serial or None), hands)


@pytest.fixture
def reader_with_card(
    devices: Devices, was: Was, say: Callable[[str], None], hands_needed: Callable[[], None]
) -> ChipReader:
    """A closed chip reader with an ICAO LDS card on it."""
    if devices.chip is None:
        was("chip", Origin.VIRTUAL, "card program in process")
        reader = VirtualReader()
        reader.put(blank_card())
        return reader
    was("chip", Origin.REAL, devices.chip.reader or "first reader")
    hands_needed()
    say("lay a blank card on the reader and leave it there")
    return _opener(devices, "chip")()


@pytest.fixture
def make_camera(devices: Devices, was: Was) -> Make:
    if devices.camera is None:
        was("camera", Origin.VIRTUAL, "lens, sensor and sitter")
        return VirtualCamera
    was("camera", Origin.REAL, f"{devices.camera.driver} {devices.camera.source}")
    return _opener(devices, "camera")


@pytest.fixture
def panel_bench(
    devices: Devices, was: Was, say: Callable[[str], None], hands_needed: Callable[[], None]
) -> PanelBench:
    if devices.panel is None:
        was("panel", Origin.VIRTUAL, "the GPIO driver on mock pins")
        panel = VirtualPanel(panel_pins(hil.config_of(devices)))
        return PanelBench(lambda: panel, VirtualPanelHands(panel), lambda: None)
    was("panel", Origin.REAL, f"GPIO of {devices.panel.board}")
    return PanelBench(
        _opener(devices, "panel"), Asked(say, "close the tray", "pull the tray open"), hands_needed
    )


@pytest.fixture
def display(devices: Devices, was: Was) -> Iterator[Display]:
    if devices.display is None:
        was("display", Origin.VIRTUAL, "memory, 800 × 480")
        opened: Display = MemoryDisplay((800, 480))
    else:
        was("display", Origin.REAL, devices.display.device)
        opened = Framebuffer(Path(devices.display.device))
    yield opened
    opened.close()


@pytest.fixture
def touch_screen(devices: Devices, was: Was, hands_needed: Callable[[], None]) -> Iterator[Touch]:
    if devices.touch is None:
        pytest.skip("no touch screen named ([touch] in the file of IDKIOSK_HIL)")
    path = devices.touch.device or first_touch_screen()
    was("touch", Origin.REAL, path)
    hands_needed()
    with open_touch(path, (800, 480)) as opened:
        yield opened


def _opener(devices: Devices, kind: str) -> Callable[[], Any]:
    opener: Callable[[], Any] = getattr(real_openers(hil.config_of(devices)), kind)
    return opener


# --- the table -------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was used goes with the report: the worker that ran the test is not the one that prints."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        report.user_properties += [(DEVICE, list(map(str, row))) for row in item.stash.get(USED, [])]
    return report


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ledger = Ledger()
    for report in _reports(terminalreporter):
        for name, (kind, origin, which) in report.user_properties:
            if name == DEVICE:
                ledger.count((kind, Origin(origin), which), report.outcome)
    if ledger.rows:
        terminalreporter.section("which device was what")
        for line in ledger.lines():
            terminalreporter.write_line(line)


def _reports(terminalreporter: pytest.TerminalReporter) -> Iterator[pytest.TestReport]:
    for outcome in ("passed", "failed", "skipped", "error", "xfailed"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport) and report.user_properties:
                yield report
