"""What stands before the first picture: a Pi reads each imported megabyte from its card."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np

from config.schema import Config, Station
from firmware.run import greet
from ui_fb.display import MemoryDisplay
from ui_fb.screens import Attract

HEAVY = ("cryptography", "cv2", "gpiozero", "httpx", "pyrage", "smartcard", "sqlite3", "transitions", "usb")


def test_nothing_heavy_is_imported_before_the_greeting() -> None:
    asked = f"import json, sys, firmware.run; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert json.loads(said.stdout) == []


def test_the_greeting_is_the_first_screen_and_says_when_the_station_is_virtual() -> None:
    display = MemoryDisplay((800, 480))
    for profile, simulated in (("virtual", True), ("production", False)):
        greet(replace(Config(), station=Station(profile=profile)), display)  # type: ignore[arg-type]
        expected = Attract(simulated=simulated).render(display.size)
        assert np.array_equal(np.asarray(display.snapshot()[1]), np.asarray(expected))
