"""The job on the camera's worker: guide, light, burst, crop; lamps off on every way out."""

from __future__ import annotations

import pytest
from support.portrait import gate
from support.portrait_booth import Booth

from drivers.api import Deadline
from drivers.errors import DeviceGone, UserRetry
from drivers.virtual.sitter_wear import Wear
from firmware.quality.portrait_capture import HINT_STEADY_S, SteadyHint, take_portrait


def test_a_person_who_sits_well_is_taken_at_once() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3)
    sample = booth.take()
    assert sample.good
    assert sample.crop.shape == (531, 413, 3)
    assert len(sample.jp2) <= 15_000
    assert len(booth.hints) < 30


def test_in_the_dark_the_lamps_are_raised_and_go_off_again() -> None:
    booth = Booth()
    booth.camera.lux(12)
    booth.camera.sitter.sit(3)
    assert booth.take().good
    assert booth.brightest > (0.0, 0.0)
    assert booth.lamps == (0.0, 0.0)


def test_a_lamp_trims_the_light_of_a_window() -> None:
    booth = Booth()
    booth.camera.lux(150)
    booth.camera.window(300)
    booth.camera.sitter.sit(3)
    sample = booth.take()
    assert "light_ratio" not in sample.flags
    assert booth.brightest[1] > booth.brightest[0]


def test_hints_lead_until_the_person_sits_well() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3, distance=1.7)
    booth.act = lambda count: booth.camera.sitter.sit() if count == 40 else None
    assert booth.take().good
    assert "closer" in booth.hints
    assert "farther" not in booth.hints


def test_nobody_is_user_retry_no_face_and_the_lamps_are_off() -> None:
    booth = Booth()
    with pytest.raises(UserRetry) as caught:
        booth.take(within_s=3.0)
    assert caught.value.reason == "no_face"
    assert booth.lamps == (0.0, 0.0)


def test_after_the_deadline_the_best_picture_comes_with_its_flags() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3, mouth_open=1.0)
    sample = booth.take(within_s=3.0)
    assert not sample.good
    assert "mouth_opening" in sample.flags
    assert set(booth.hints[20:]) == {"close_mouth"}


def test_an_unplugged_camera_is_a_fault_and_the_lamps_go_off() -> None:
    booth = Booth()
    booth.camera.lux(12)
    booth.act = lambda count: booth.camera.unplug() if count == 25 else None
    with pytest.raises(DeviceGone):
        booth.take()
    assert booth.brightest > (0.0, 0.0)
    assert booth.lamps == (0.0, 0.0)


def test_blinks_do_not_end_up_on_the_card() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3, distance=1.7)

    def world(count: int) -> None:
        if count == 20:
            booth.camera.sitter.sit(eyes_closed=1.0)
        if count == 45:
            booth.camera.sitter.sit()

    booth.act = world
    sample = booth.take()
    assert sample.good
    assert "open_eyes" in booth.hints


def test_the_camera_is_automatic_again_after_the_burst() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3)
    with booth.camera:
        take_portrait(booth.camera, booth.light, booth.show, Deadline.after(20, lambda: booth.now_s), gate())
        booth.camera.lux(20)
        gains = [booth.camera.preview(1.0).metadata.gain for _ in range(20)]
    assert gains[-1] is not None
    assert gains[-1] > 4


def test_a_hint_shows_only_once_it_has_lasted() -> None:
    hint = SteadyHint()
    assert hint.show("closer", 0.0) == "closer"
    assert hint.show("hold_still", 0.1) == "closer"
    assert hint.show("closer", 0.2) == "closer"
    assert hint.show("farther", 0.3) == "closer"
    assert hint.show("farther", 0.3 + HINT_STEADY_S + 0.01) == "farther"
    assert hint.show(None, 0.8) == "farther"


def test_eyes_shut_from_the_first_frame_are_no_picture_of_open_ones() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3, eyes_closed=1.0)
    booth.act = lambda count: booth.camera.sitter.blink(closed=False) if count == 40 else None
    sample = booth.take()
    assert sample.good
    assert booth.hints[:30] == ["open_eyes"] * 30


def test_who_does_not_get_it_right_is_taken_at_the_best_moment_not_at_the_last() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3, mouth_open=1.0)
    booth.act = lambda count: booth.camera.sitter.sit(wear=Wear(mask=True)) if count == 440 else None
    sample = booth.take(within_s=16.0)
    assert sample.flags == ("mouth_opening",)


def test_somebody_whose_head_never_fits_the_crop_is_not_nobody() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3, lower=-2.2)
    with pytest.raises(UserRetry) as caught:
        booth.take(within_s=2.0)
    assert caught.value.reason == "centre_face"


@pytest.mark.parametrize("wrong", ["mask", "hand"])
def test_a_covered_face_is_never_good(wrong: str) -> None:
    booth = Booth()
    booth.camera.sitter.sit(5, wear=Wear(mask=wrong == "mask", hand=wrong == "hand"))
    sample = booth.take(within_s=2.0)
    assert not sample.good
    assert {"colour_shift", "lip_contrast"} & set(sample.flags)


def test_the_record_gets_the_components_of_the_standard() -> None:
    booth = Booth()
    booth.camera.sitter.sit(3)
    components = booth.take().components
    assert components["single_face_present"] == 100
    assert components["eyes_open"] >= 90
    assert components["background_uniformity"] >= 60
    assert "sharpness" not in components
