"""docs/hardware.md, the board files and the header agree on every pin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from gpiozero.pins.data import PI4_J8

from config.load import load

DOC = Path(__file__).resolve().parents[3] / "docs" / "hardware.md"
PLACES: dict[str, int] = {
    names["gpio"]: place
    for part in PI4_J8
    if isinstance(part, dict)
    for place, names in part.items()
    if "gpio" in names
}
BUSES = {0, 1, 2, 3}  # HAT EEPROM, I²C of the clock


def wiring() -> dict[str, tuple[int, int]]:
    """Key of [panel] → (BCM, pin) as the document has it."""
    rows = re.findall(r"^\|[^|]+\| (\w+_pin) \| (\d+) \| (\d+) \|", DOC.read_text(), re.MULTILINE)
    return {key: (int(bcm), int(pin)) for key, bcm, pin in rows}


@pytest.mark.parametrize("board", ["pi4-7inch", "pi5-10inch"])
def test_the_document_shows_each_pin_of_the_board_file(board: str) -> None:
    panel = load(board=board).panel
    pins = {name: getattr(panel, name) for name in panel.__dataclass_fields__ if name.endswith("_pin")}
    assert {key: bcm for key, (bcm, _) in wiring().items()} == pins


def test_each_place_on_the_header_is_the_one_of_its_number() -> None:
    for key, (bcm, pin) in wiring().items():
        assert PLACES[f"GPIO{bcm}"] == pin, key


def test_no_two_signals_share_a_pin_and_none_takes_a_bus() -> None:
    numbers = [bcm for bcm, _ in wiring().values()]
    assert len(set(numbers)) == len(numbers)
    assert not set(numbers) & BUSES


def test_the_exit_codes_of_the_document_are_those_of_the_program() -> None:
    from firmware import crash, run

    told = {int(code) for code in re.findall(r"^\| (\d+) \|", DOC.read_text(), re.MULTILINE)}
    assert {0, run.EX_UNAVAILABLE, crash.EX_SOFTWARE, crash.EX_CONFIG} <= told
