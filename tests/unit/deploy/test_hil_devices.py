"""The file that names plugged-in devices is read strictly, and the table says which was which."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import hil
from support.hil import HIL, Devices, DevicesError, Ledger, Origin, named_devices

from firmware.app.devices import Openers

EXAMPLE = Path(__file__).resolve().parents[2] / "hil" / "devices.example.toml"
VIRTUAL = Openers(lambda: "f", lambda: "c", lambda: "r", lambda: "b", lambda: "p")  # type: ignore[arg-type,return-value]


def test_without_a_file_everything_is_virtual() -> None:
    assert named_devices({}) == Devices()
    assert hil.openers(Devices(), VIRTUAL) == VIRTUAL


def test_the_example_names_every_class() -> None:
    devices = named_devices({HIL: str(EXAMPLE)})
    assert devices.attended
    assert all(getattr(devices, name) is not None for name in hil.TABLES)


def test_a_named_device_is_opened_as_on_a_box_and_the_others_stay_virtual(tmp_path: Path) -> None:
    file = tmp_path / "devices.toml"
    file.write_text('[chip]\nreader = "ACS"\n[panel]\nboard = "pi5-10inch"\n')
    devices = named_devices({HIL: str(file)})
    config = hil.config_of(devices)
    assert (config.chip.reader, config.panel.driver, config.display.width_px) == ("ACS", "gpio", 1280)
    mixed = hil.openers(devices, VIRTUAL)
    assert (mixed.finger, mixed.camera, mixed.badge) == (VIRTUAL.finger, VIRTUAL.camera, VIRTUAL.badge)
    assert mixed.chip is not VIRTUAL.chip
    assert mixed.panel is not VIRTUAL.panel


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[fingers]\n", "fingers"),
        ('[finger]\nserail = "1"\n', "serial"),
        ("[finger]\nserial = 1\n", "serial"),
        ('finger = "1"\n', "serial"),
        ('attended = "yes"\n', "attended"),
        ("[finger\n", "devices.toml"),
    ],
)
def test_a_slip_of_the_pen_is_said_with_what_is_allowed(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "devices.toml"
    file.write_text(text)
    with pytest.raises(DevicesError, match=says):
        named_devices({HIL: str(file)})


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DevicesError, match="nowhere"):
        named_devices({HIL: str(tmp_path / "nowhere.toml")})


def test_the_table_counts_by_class_and_origin() -> None:
    ledger = Ledger()
    ledger.count(("finger", Origin.REAL, "serial 7"), "passed")
    ledger.count(("finger", Origin.REAL, "serial 7"), "failed")
    ledger.count(("chip", Origin.VIRTUAL, "in process"), "passed")
    assert [line.split() for line in ledger.lines()] == [
        ["class", "was", "which", "tests"],
        ["chip", "virtual", "in", "process", "1", "passed"],
        ["finger", "real", "serial", "7", "1", "failed,", "1", "passed"],
    ]
