"""What the parent of the scorer child survives: programs that die, hang or lie, in real child processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from support import misbehaving_scorer
from support.fingers import ridges

from drivers.api import FingerImage
from firmware.quality.nbis.client import FingerScorer, ScoreFailed, ScorerError, ScorerLost, pgm
from firmware.quality.nbis.runtime import INSTALL, Runtime, ScorerMissing, locate
from firmware.quality.nbis.serve import LENGTH, Refused, split

IMAGE = FingerImage(ridges())
TIMEOUT_S = 0.3


@contextmanager
def child_that(manner: str) -> Iterator[FingerScorer]:
    """A scorer whose child misbehaves; no process may be left behind."""
    program = [sys.executable, "-I", str(misbehaving_scorer.__file__), manner]
    before = {child.pid for child in psutil.Process().children()}
    with FingerScorer(Runtime(Path(), program), timeout_s=TIMEOUT_S) as scorer:
        yield scorer
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.parametrize(
    ("manner", "what"),
    [
        ("says nothing", "no answer in time"),
        ("answers too much", "not a reply"),
        ("answers nonsense", "not a reply"),
        ("answers too little", "a reply of 0 bytes"),
        ("answers half", "no answer in time"),
        ("scores 255", "255 is none"),
        ("dies at work", "the child ended"),
    ],
)
def test_a_child_that_hangs_dies_or_lies_costs_one_attempt(manner: str, what: str) -> None:
    with child_that(manner) as scorer:
        assert scorer.unavailable() is None
        first = scorer.pid
        with pytest.raises(ScorerLost, match=what):
            scorer.nfiq2(IMAGE)
        assert scorer.pid is None
        assert scorer.unavailable() is None, "the next one is started"
        assert scorer.pid not in (None, first)


def test_a_child_that_stops_reading_a_large_picture_is_given_up_in_time() -> None:
    large = FingerImage(np.zeros((1000, 1000), np.uint8))
    with child_that("says nothing") as scorer, pytest.raises(ScorerLost, match="no answer in time"):
        scorer.nfiq2(large)


def test_a_library_that_does_not_load_says_why() -> None:
    with child_that("does not load") as scorer:
        assert "libstdc++" in str(scorer.unavailable())
        with pytest.raises(ScorerMissing, match="libstdc"):
            scorer.nfiq2(IMAGE)


def test_a_child_that_dies_at_start_is_a_lost_one() -> None:
    with child_that("dies at start") as scorer:
        assert scorer.unavailable() == "load: the child ended"


def test_a_program_that_is_not_there_is_missing() -> None:
    with FingerScorer(Runtime(Path(), ["/nowhere/python"])) as scorer:
        assert "cannot start" in str(scorer.unavailable())


def test_where_nothing_is_installed_the_reason_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ScorerMissing, match=INSTALL):
        locate(tmp_path)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (FingerImage(ridges(), ppi=508), "500 ppi"),
        (FingerImage(np.zeros((9, 9, 3), np.uint8)), "8 bits"),
        (FingerImage(np.zeros((3000, 3000), np.uint8)), "too many"),
    ],
)
def test_pictures_nfiq2_is_not_defined_for_never_reach_the_child(image: FingerImage, why: str) -> None:
    with child_that("says nothing") as scorer:
        with pytest.raises(ScoreFailed, match=why):
            scorer.nfiq2(image)
        assert scorer.pid is None


def test_a_failed_score_is_code_255() -> None:
    assert ScoreFailed("any").code == 255
    assert issubclass(ScoreFailed, ScorerError)


def test_pictures_travel_as_portable_greymaps() -> None:
    assert pgm(FingerImage(np.arange(6, dtype=np.uint8).reshape(2, 3))) == b"P5\n3 2\n255\n\0\1\2\3\4\5"


@pytest.mark.parametrize("records", [b"", b"\0\0\0", LENGTH.pack(0) + b"b", LENGTH.pack(9) + b"b"])
def test_the_child_refuses_a_comparison_that_is_not_of_two_records(records: bytes) -> None:
    with pytest.raises(Refused):
        split(records)
