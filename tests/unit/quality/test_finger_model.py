"""The constants that the estimate of NFIQ 2 ships with, and what it says of known pictures."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from support.fingers import ridges, shared, shared_fingers

from drivers.api import FingerImage
from firmware.quality.finger import measure
from firmware.quality.finger_features import CURVED, features
from firmware.quality.finger_model import CONSTANTS, FURTHEST, STEPS, WORTH, Model, known_numbers, nearness
from firmware.quality.finger_texture import texture

MOST_BYTES = 150_000
TERMS = 1 + CURVED + CURVED * (CURVED + 1) // 2


@pytest.fixture(scope="module")
def model() -> Model:
    with np.load(CONSTANTS, allow_pickle=False) as kept:
        assert set(kept) == {field.name for field in fields(Model)}
        return Model(**kept)


def test_the_constants_are_of_one_shape_with_the_numbers(model: Model) -> None:
    count = len(features(texture(FingerImage(ridges()))))
    assert model.mean.shape == model.spread.shape == (count,)
    assert model.curved.shape == (TERMS,)
    assert model.straight.shape == (1 + count - CURVED,)
    assert model.known.shape == (*model.pull.shape, count)
    assert model.level.shape == (1,)


def test_the_constants_are_numbers_and_few(model: Model) -> None:
    assert CONSTANTS.stat().st_size < MOST_BYTES
    assert all(np.isfinite(getattr(model, field.name)).all() for field in fields(Model))
    assert (model.spread > 0).all()
    assert model.known.dtype == np.int8
    assert np.iinfo(np.int8).max >= STEPS * FURTHEST
    assert FURTHEST - 1 / STEPS < np.abs(known_numbers(model.known)).max() <= FURTHEST


def test_a_picture_is_nearest_to_itself(model: Model) -> None:
    some = known_numbers(model.known[:50])
    near = nearness(some, some)
    assert np.diag(near) == pytest.approx(1, abs=1e-4)
    assert (near <= 1 + 1e-6).all() and (near > 0).all()


def test_what_is_unlike_every_known_picture_stays_a_score(model: Model) -> None:
    for far in (-1e9, 1e9):
        assert -100 < model.estimate(np.full(model.mean.shape, far)) < 200


def test_the_file_of_its_worth_tells_of_fingers_left_out() -> None:
    worth = json.loads(WORTH.read_text())
    shared_ones, made = worth["leave_one_base_out"]
    assert len(shared_ones["penalty_without_this_base"]) == len(made["penalty_without_this_base"]) == 9
    for told in (shared_ones, made):
        assert set(told["by_base"]) <= set(told["penalty_without_this_base"])
        assert min(told["by_base"].values()) <= told["spearman"] <= 1
    assert shared_ones["of_those_estimated_30_or_more"] == 0


def test_the_mean_estimate_of_the_known_pictures_is_their_mean_score() -> None:
    told = [(finger.nfiq2, measure(finger.image).score) for finger in shared_fingers() if finger.nfiq2]
    true, guess = np.array(told).T
    assert guess.mean() == pytest.approx(true.mean(), abs=3)
    assert np.abs(guess - true).mean() < 6


@pytest.mark.parametrize("file", ["sfinge_01.png", "nist_cmp00001.png", "nist_cmp00009__worn0.8.png"])
def test_a_known_picture_is_estimated_near_its_score(file: str) -> None:
    finger = shared(file)
    assert measure(finger.image).score == pytest.approx(finger.nfiq2, abs=12)


def test_nothing_is_read_before_the_first_frame() -> None:
    asked = "import firmware.quality.finger_model as m; print(m._model.cache_info().currsize)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "0"
