"""Pieces, holes and bit quads of ridges, against pictures of which one can count them by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.fingers import ridges, shared

from drivers.api import FingerImage, Pixels
from firmware.quality.finger_texture import texture
from firmware.quality.finger_topology import EULER, SMOOTHINGS, Floats, Vector, bit_quads, topology

SHAPE = (145, 192)
NAMES = (
    "q1", "q3", "q2", "qd", "q4", "euler", "ridges", "valleys", "specks", "pores", "contrast", "variation",
)  # fmt: skip
EVERYWHERE = np.ones(SHAPE, np.bool_)
DOWN, RIGHT = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float32)
STRIPES = 128 + 100 * np.sin(2 * np.pi * RIGHT / 4.5)


def told(numbers: Vector, smoothing: int = 0) -> dict[str, float]:
    return dict(zip(NAMES, numbers.reshape(len(SMOOTHINGS), -1)[smoothing].tolist(), strict=True))


def of(grey: Floats, smoothing: int = 0) -> dict[str, float]:
    return told(topology(grey.astype(np.float32), EVERYWHERE), smoothing)


def of_picture(pixels: Pixels, ppi: int = 500, smoothing: int = 1) -> dict[str, float]:
    found = texture(FingerImage(pixels, ppi=ppi))
    return told(topology(found.grey, found.skin), smoothing)


@pytest.mark.parametrize(
    ("picture", "quads"),
    [
        (["0000", "0100", "0000"], [4, 0, 0, 0, 0]),
        (["00000", "01010", "00100", "00000"], [8, 0, 0, 2, 0]),
        (["0000", "0110", "0110", "0000"], [4, 0, 4, 0, 1]),
        (["11111", "11011", "11111"], [0, 4, 0, 0, 4]),
    ],
)
def test_bit_quads_are_those_counted_by_hand(picture: list[str], quads: list[int]) -> None:
    counted = bit_quads(np.array([[sign == "1" for sign in row] for row in picture]))
    assert counted.tolist() == quads


def test_the_euler_number_is_pieces_less_holes() -> None:
    picture = np.zeros((40, 60), np.uint8)
    cv2.circle(picture, (15, 20), 10, 1, 3)
    cv2.circle(picture, (42, 20), 6, 1, -1)
    picture[2, 2] = picture[3, 3] = 1
    assert bit_quads(picture.astype(bool)) @ EULER == pytest.approx(2)


def test_a_blank_picture_has_no_ridge() -> None:
    numbers = of(np.full(SHAPE, 250))
    assert [numbers[name] for name in ("q1", "q3", "q2", "qd", "q4")] == [0] * 5
    assert numbers["contrast"] == pytest.approx(0, abs=1e-3)
    assert np.isfinite(list(numbers.values())).all()


def test_no_finger_at_all_is_numbers_all_the_same() -> None:
    assert np.isfinite(topology(STRIPES.astype(np.float32), ~EVERYWHERE)).all()


def test_noise_falls_into_more_pieces_than_ridges_do() -> None:
    noise = of(np.random.default_rng(1).normal(128, 60, SHAPE))
    whole = of(STRIPES)
    for name in ("q1", "qd", "ridges", "valleys", "specks", "pores"):
        assert noise[name] > whole[name], name
    assert whole["q2"] > noise["q2"], "straight edges"


def test_dots_are_many_pieces_and_pores_are_many_holes() -> None:
    holes = (DOWN % 8 < 3) & (RIGHT % 8 < 3)
    dotted, porous = of(np.where(holes, 0.0, 255.0)), of(np.where(holes, 255.0, 0.0))
    assert dotted["euler"] > 0.5 > -0.5 > porous["euler"]
    assert dotted["ridges"] > dotted["valleys"] and porous["valleys"] > porous["ridges"]
    assert dotted["specks"] > porous["specks"] and porous["pores"] > dotted["pores"]


def test_an_inverted_picture_swaps_ridges_and_valleys() -> None:
    plain = 255 - shared("sfinge_01.png").image.pixels.astype(np.float32)[100:245, 16:208]
    dark, light = of(plain), of(255 - plain)
    assert dark["q1"] == pytest.approx(light["q3"], abs=0.01)
    assert dark["q2"] == pytest.approx(light["q2"], abs=0.01)
    assert np.sign(dark["euler"]) == -np.sign(light["euler"])
    assert dark["contrast"] == pytest.approx(light["contrast"], rel=0.01)


@pytest.mark.parametrize("ppi", [375, 1000])
@pytest.mark.parametrize("base", ["sfinge_01.png", "nist_cmp00007.png"])
def test_the_same_finger_at_another_resolution_has_nearly_the_same_numbers(base: str, ppi: int) -> None:
    pixels = shared(base).image.pixels[:490, :490]
    size = (round(pixels.shape[1] * ppi / 500), round(pixels.shape[0] * ppi / 500))
    scaled = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    here, there = of_picture(pixels), of_picture(scaled, ppi)
    for name in ("q1", "q3", "q2", "q4"):
        assert there[name] == pytest.approx(here[name], abs=0.02), name
    for name in ("ridges", "valleys"):
        assert there[name] == pytest.approx(here[name], abs=0.5), name


def test_less_contrast_of_the_same_ridges_changes_the_contrast_alone() -> None:
    full, half = (of(128 + share * (STRIPES - 128)) for share in (1.0, 0.5))
    assert half["contrast"] == pytest.approx(full["contrast"] / 2, rel=0.01)
    for name in ("q1", "q3", "q2", "qd", "q4", "euler", "ridges", "valleys"):
        assert half[name] == pytest.approx(full[name], abs=0.01), name


def test_only_the_finger_is_looked_at() -> None:
    bare = np.full((290, 384), 250, np.uint8)
    small = ridges(size_px=110, grain=0)
    alone, beside = of_picture(small), small.copy()
    beside[:20, :20] = np.where(np.random.default_rng(2).random((20, 20)) < 0.5, 0, bare[:20, :20])
    assert of_picture(beside) == pytest.approx(alone, abs=1e-3)
