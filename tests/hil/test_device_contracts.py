"""The contract of each device class on one device: the real one where it is named, else a virtual one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from support.camera_contract import CameraContract, Make
from support.chip_contract import LONG_S, SELECT_LDS
from support.finger_contract import Bench, check_quiet, check_session
from support.panel_contract import PanelBench, PanelContract

from drivers.api import ChipReader
from drivers.chip.apdu import ResponseApdu
from ui_fb.display import Display
from ui_fb.geometry import Rect
from ui_fb.touch import Touch

TOUCH_S = 30.0


class TestCamera(CameraContract):
    @pytest.fixture
    def make(self, make_camera: Make) -> Make:
        return make_camera


class TestPanel(PanelContract):
    @pytest.fixture
    def bench(self, panel_bench: PanelBench) -> PanelBench:
        return panel_bench


def test_the_finger_sensor_keeps_its_contract(sensor_bench: Bench) -> None:
    check_quiet(sensor_bench)
    check_session(sensor_bench)


def test_the_chip_reader_powers_a_card_and_carries_an_apdu(reader_with_card: ChipReader) -> None:
    with reader_with_card as reader:
        assert reader.await_card(True, LONG_S)
        first = reader.connect()
        assert 2 <= len(first) <= 33  # ISO/IEC 7816-3:2006, 8.2.1
        assert ResponseApdu.parse(reader.transmit(SELECT_LDS, 2.0)).sw
        reader.disconnect()
        assert reader.connect() == first


def test_the_display_shows_a_picture_and_a_part_of_one(display: Display) -> None:
    wide, high = display.size
    display.show(Image.new("RGB", (wide, high), (11, 87, 164)))
    display.blit(Rect(8, 8, 64, 48), np.full((48, 64, 3), 255, np.uint8))
    with pytest.raises(ValueError, match="display"):
        display.show(Image.new("RGB", (wide + 1, high)))


def test_a_touch_arrives_within_the_screen(touch_screen: Touch, say: Callable[[str], None]) -> None:
    say("touch the screen once")
    tap = touch_screen.wait(TOUCH_S)
    assert tap is not None
    assert 0 <= tap.x < 800
    assert 0 <= tap.y < 480
