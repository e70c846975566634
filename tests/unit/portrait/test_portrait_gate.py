"""One hint for each thing that can be wrong with a portrait, and none for a good one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.data import data_folder
from support.portrait import gate, models_folder, settle

from drivers.virtual.camera import VirtualCamera
from drivers.virtual.sitter_wear import Wear
from firmware.quality.portrait import PortraitGate, Watch
from firmware.quality.portrait_crop import crop_portrait
from firmware.quality.portrait_models import FaceModels, ModelsMissingError
from firmware.quality.portrait_rules import CROP, LIVE, PROFILES, RULES, STILL, LimitSet
from firmware.sim.faults import FAULTS, Fault

World = Callable[[VirtualCamera], object]


def frame_of(world: World, seed: int = 3) -> np.ndarray:
    with VirtualCamera() as camera:
        camera.sitter.sit(seed)
        world(camera)
        settle(camera)
        return camera.preview(1.0).bgr


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_made_up_person_who_sits_well_is_good(seed: int) -> None:
    check = gate().check(frame_of(lambda camera: None, seed))
    assert check.good, (check.flags, check.measures)
    assert check.flags == ()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_is_wrong_is_the_hint(fault: Fault) -> None:
    check = gate().check(frame_of(fault.bring))
    assert check.hint == fault.hint, (check.flags, dict(check.measures))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_watched_face_is_judged_as_each_frame_by_itself(fault: Fault) -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(5)
        fault.bring(camera)
        settle(camera)
        watch = Watch(gate())
        hints = [watch.check(camera.preview(1.0).bgr).hint for _ in range(7)]
    assert hints.count(fault.hint) >= 6, hints


def test_somebody_who_leaves_a_watched_picture_is_missed_at_once() -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(3)
        settle(camera)
        watch = Watch(gate())
        assert watch.check(camera.preview(1.0).bgr).good
        camera.sitter.leave()
        assert watch.check(camera.preview(1.0).bgr).hint == "no_face"
        camera.sitter.sit(3)
        assert watch.check(camera.preview(1.0).bgr).good


@pytest.mark.parametrize("tone", [0.0, 0.3, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("lux", [100, 300, 1000])
def test_no_complexion_is_refused(tone: float, lux: float) -> None:
    def world(camera: VirtualCamera) -> None:
        camera.sitter.sit(skin=tone)
        camera.lux(lux)

    check = gate().check(frame_of(world))
    assert check.good, (check.flags, dict(check.measures))


def test_head_dress_is_allowed_and_recorded_where_the_face_is_clear() -> None:
    check = gate().check(frame_of(lambda camera: camera.sitter.sit(wear=Wear(scarf=True))))
    bare = gate().check(frame_of(lambda camera: None))
    assert check.good, (check.flags, dict(check.measures))
    assert check.measures["head_cover"] > 0.3 > bare.measures["head_cover"]


@pytest.mark.parametrize(("axis", "most"), [("yaw", 20), ("pitch", 15), ("roll", 20)])
def test_the_measured_pose_follows_the_set_pose(axis: str, most: int) -> None:
    errors = []
    for degrees in (-most, -most / 2, 0.0, most / 2, most):
        pose = {axis: degrees}
        found = gate().check(frame_of(lambda camera, pose=pose: camera.sitter.sit(**pose)))  # type: ignore[misc]
        sign = -1 if axis == "pitch" else 1  # the mesh's pitch is positive chin down
        errors.append(abs(sign * found.measures[f"{axis}_deg"] - degrees))
    assert max(errors) <= 3.0, errors


def test_a_seated_person_at_home_may_be_where_a_standing_one_may_not() -> None:
    frame = frame_of(lambda camera: camera.sitter.sit(roll=10, distance=1.5))
    seated = PortraitGate(FaceModels(models_folder()), PROFILES["seated"])
    assert not gate().check(frame).good
    assert seated.check(frame).good


def test_closed_eyes_are_seen_against_the_same_persons_open_ones() -> None:
    usual = gate().check(frame_of(lambda camera: None)).measures["lid_opening"]
    closed = frame_of(lambda camera: camera.sitter.sit(eyes_closed=1))
    assert gate().check(closed, usual).hint == "open_eyes"


def test_mean_luminance_never_refuses() -> None:
    assert not any(name == "luminance_mean" for name, _, _ in RULES)
    check = gate().check(frame_of(lambda camera: None, seed=2))
    measures = dict(check.measures, luminance_mean=0.0)
    assert not any(fails(measures, LIVE) for _, _, fails in RULES)


def test_each_hint_is_one_that_a_screen_has() -> None:
    known = {fault.hint for fault in FAULTS}
    assert {hint for _, hint, _ in RULES} | {"no_face", "camera_dark"} == known


def test_each_limit_is_used_by_a_rule_or_a_measure() -> None:
    good = dict(
        gate().check(frame_of(lambda camera: None)).measures, background=0.0, backlight=1.0, lid_share=1.0
    )
    for limits in (LIVE, STILL, CROP):
        loose = replace(limits, **{name: _loosest(name) for name in limits.__slots__})
        assert not any(fails(good, loose) for _, _, fails in RULES)
    for name in LIVE.__slots__:
        if name == "pitch_neutral_deg":
            continue
        tight = replace(LIVE, **{name: -_loosest(name)})
        assert any(fails(good, tight) for _, _, fails in RULES), name


def _loosest(name: str) -> float:
    if name == "pitch_neutral_deg":
        return 0.0
    return 1e9 if "_max" in name else -1e9


def test_limits_are_data_that_a_site_may_overwrite() -> None:
    strict = LimitSet(live=replace(LIVE, sharp98_min=9.0))
    assert (
        PortraitGate(FaceModels(models_folder()), strict).check(frame_of(lambda c: None)).hint == "hold_still"
    )


def test_the_still_of_a_good_sitter_becomes_a_good_crop() -> None:
    with VirtualCamera() as camera:
        camera.sitter.sit(7)
        settle(camera)
        still = camera.still(1.0).bgr
    check = gate().check_still(still)
    assert check.good, check.flags
    assert check.face is not None
    again = gate().check_crop(crop_portrait(still, check.face))
    assert again.good, (again.flags, dict(again.measures))
    assert 0.45 <= again.measures["face_x"] <= 0.55
    assert 0.30 <= again.measures["eye_line"] <= 0.50
    assert again.measures["eye_distance_px"] >= 90


def test_a_real_portrait_that_smiles_and_is_small_is_told_so() -> None:
    bgr = cv2.imread(str(data_folder("faces") / "astronaut.png"))
    check = gate().check_still(bgr)
    assert check.hint == "closer"
    assert {"eye_distance", "mouth_opening"} <= set(check.flags)
    assert abs(check.measures["yaw_deg"]) < 5
    assert abs(check.measures["pitch_deg"]) < 5
    assert 40 < check.measures["eye_distance_px"] < 50


def test_missing_models_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelsMissingError, match="deploy/models/fetch"):
        FaceModels(tmp_path)


def test_a_damaged_model_is_told_from_a_missing_one(tmp_path: Path) -> None:
    for path in models_folder().glob("*.tflite"):
        (tmp_path / path.name).write_bytes(b"not a model")
    with pytest.raises(ModelsMissingError, match="fetch it again"):
        FaceModels(tmp_path)


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (480, 640), (2000, 30)])
def test_a_picture_of_nothing_has_no_face(shape: tuple[int, int]) -> None:
    assert gate().check(np.full((*shape, 3), 128, np.uint8)).hint == "no_face"


@pytest.mark.parametrize("shape", [(480, 640), (960, 1280), (16, 16), (1232, 1640)])
def test_a_frame_of_zeros_is_a_dark_camera_of_any_size(shape: tuple[int, int]) -> None:
    assert gate().check(np.zeros((*shape, 3), np.uint8)).hint == "camera_dark"
