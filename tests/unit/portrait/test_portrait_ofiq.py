"""Our scalars are OFIQ's on every cell of its table; our natives are what their definitions say."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np
import pytest
from support.data import data_folder
from support.portrait import gate, settle

from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait_face import upright
from firmware.quality.portrait_ofiq import SCALARS, natives, scalar


def cells() -> Iterator[tuple[str, float, int]]:
    """(component, native, scalar) of every picture of OFIQ's expected results."""
    with (data_folder("faces") / "ofiq_expected_results.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter=";"):
            for name in row:
                if name and f"{name}.scalar" in row:
                    yield name, float(row[name]), int(row[f"{name}.scalar"])


def ours(name: str) -> str:
    """HeadPoseYaw → head_pose_yaw."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def test_every_cell_of_ofiqs_table_is_reproduced() -> None:
    every = list(cells())
    wrong = [cell for cell in every if scalar(ours(cell[0]), cell[1]) != cell[2]]
    assert wrong == []
    assert len(every) == 28 * 28
    assert {ours(name) for name, _, _ in every} == set(SCALARS)


@pytest.mark.parametrize("component", SCALARS)
@pytest.mark.parametrize("native", [0.0, 0.5, 1.0, 90.0])
def test_a_scalar_is_a_whole_number_of_0_to_100(component: str, native: float) -> None:
    assert 0 <= scalar(component, native) <= 100


def test_an_unknown_component_is_no_quality() -> None:
    with pytest.raises(KeyError):
        scalar("beauty", 1.0)


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    with VirtualCamera() as camera:
        camera.sitter.sit(3)
        settle(camera)
        frame = camera.preview(1.0).bgr
    face = gate().check(frame).face
    assert face is not None
    person = np.zeros(frame.shape[:2], np.float32)
    person[80:, 180:460] = 1
    return natives(frame, face, upright(frame, face), person)


def test_only_components_with_a_scalar_are_measured(found: dict[str, float]) -> None:
    assert set(found) < set(SCALARS)
    assert "sharpness" not in found
    assert "head_pose_yaw" not in found
    assert "expression_neutrality" not in found


def test_the_natives_of_a_good_sitter_are_good_but_for_mean_luminance(found: dict[str, float]) -> None:
    scores = {name: scalar(name, value) for name, value in found.items()}
    for name in ("eyes_open", "mouth_closed", "single_face_present", "over_exposure_prevention"):
        assert scores[name] >= 90, (name, found[name])
    assert scores["under_exposure_prevention"] >= 80
    assert scores["background_uniformity"] >= 60


def test_geometry_adds_up_to_the_picture(found: dict[str, float]) -> None:
    sides = found["leftward_crop_of_the_face_image"] + found["rightward_crop_of_the_face_image"]
    assert sides * found["inter_eye_distance"] == pytest.approx(640)
    above_and_below = found["margin_above_of_the_face_image"] + found["margin_below_of_the_face_image"]
    assert above_and_below * found["head_size"] == pytest.approx(1.0)
