"""Lamps first, then exposure; what they cannot mend is said, and they are off at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.portrait_booth import Booth

from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait_light import EXPOSURE_MAX_US, GAIN_LAST, LIGHT_FLAGS

World = Callable[[VirtualCamera], None]


def booth_in(world: World, seed: int = 3) -> Booth:
    booth = Booth()
    booth.camera.sitter.sit(seed)
    world(booth.camera)
    return booth


def test_a_face_before_a_dark_wall_is_exposed_for_the_face() -> None:
    booth = booth_in(lambda camera: camera.backdrop("dark"))
    assert booth.take().good
    assert booth.now_s < 3


def test_a_face_before_a_window_is_lit_by_the_lamps() -> None:
    booth = booth_in(lambda camera: camera.backlight(2000))
    assert booth.take().good
    assert "light_behind" in booth.hints
    assert booth.brightest > (0.0, 0.0)


def test_a_street_lamps_yellow_is_thinned_by_white_lamps() -> None:
    def street(camera: VirtualCamera) -> None:
        camera.lux(60)
        camera.sodium(1.0)

    booth = booth_in(street)
    sample = booth.take()
    assert sample.good
    assert sample.check.measures["colour_cast"] < 5
    assert booth.brightest > (0.0, 0.0)


def test_where_lamps_are_at_their_end_the_officer_gets_the_picture_before_the_deadline() -> None:
    def blinding(camera: VirtualCamera) -> None:
        camera.lux(100)
        camera.window(2500)

    booth = booth_in(blinding)
    sample = booth.take(within_s=60)
    assert not sample.good
    assert set(sample.flags) <= LIGHT_FLAGS
    assert booth.now_s < 10
    assert booth.brightest[1] == 1.0
    assert booth.lamps == (0.0, 0.0)


def test_no_exposure_by_hand_is_longer_or_noisier_than_allowed() -> None:
    booth = booth_in(lambda camera: camera.backlight(20_000))
    told = []
    act = booth.camera.preview

    def preview(timeout_s: float) -> object:
        frame = act(timeout_s)
        told.append(frame.metadata)
        return frame

    booth.camera.preview = preview  # type: ignore[method-assign, assignment]
    booth.take(within_s=10)
    assert max(each.exposure_us or 0 for each in told) <= EXPOSURE_MAX_US
    assert max(each.gain or 0 for each in told) <= GAIN_LAST


@pytest.mark.parametrize("lux", [5, 20, 100, 500])
def test_a_portrait_is_taken_by_day_and_by_night(lux: float) -> None:
    booth = booth_in(lambda camera: camera.lux(lux), seed=5)
    assert booth.take().good
    assert booth.lamps == (0.0, 0.0)
