"""What the parent of the scorer child survives: programs that die, hang or lie, in real child processes."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
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
SHORT_S, AMPLE_S = 0.3, 60.0
NEVER_ANSWER = ("says nothing", "answers half")
"""Of these the deadline is what ends the wait; of all others it must not be, however slow a death is."""


@contextmanager
def child_that(manner: str) -> Iterator[FingerScorer]:
    """A scorer whose child misbehaves; no process may be left behind."""
    timeout_s = SHORT_S if manner in NEVER_ANSWER else AMPLE_S
    program = [sys.executable, "-I", str(misbehaving_scorer.__file__), manner]
    before = {child.pid for child in psutil.Process().children()}
    with FingerScorer(Runtime(Path(), program), timeout_s=timeout_s) as scorer:
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


def test_a_library_that_is_there_and_does_not_load_is_lost_not_missing_and_says_why() -> None:
    with child_that("does not load") as scorer:
        assert "libstdc++" in str(scorer.unavailable())
        with pytest.raises(ScorerLost, match="libstdc"):
            scorer.nfiq2(IMAGE)


def test_a_child_that_dies_at_start_is_a_lost_one() -> None:
    with child_that("dies at start") as scorer:
        assert scorer.unavailable() == "load: the child ended"


@pytest.mark.parametrize("code", [errno.ENOMEM, errno.EAGAIN, errno.ENOENT])
def test_a_child_that_cannot_be_started_is_lost_not_missing(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def no_process(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with FingerScorer(Runtime(Path(), ["python"])) as scorer:
        monkeypatch.setattr(subprocess, "Popen", no_process)
        with pytest.raises(ScorerLost, match="cannot start"):
            scorer.nfiq2(IMAGE)
        assert "cannot start" in str(scorer.unavailable())


def test_a_process_that_may_open_nothing_more_loses_the_scorer_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_pair() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with child_that("says nothing") as scorer, monkeypatch.context() as full:
        full.setattr(socket, "socketpair", no_pair)
        with pytest.raises(ScorerLost, match="cannot start"):
            scorer.nfiq2(IMAGE)
        full.undo()
        assert scorer.unavailable() is None


def test_each_loss_is_logged_once_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    with child_that("dies at work") as scorer:
        for _ in range(2):
            with pytest.raises(ScorerLost):
                scorer.nfiq2(IMAGE)
    assert caplog.messages == ["NFIQ 2 is lost: score: the child ended"] * 2


def test_a_child_that_never_loads_is_one_line_however_often_it_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with child_that("does not load") as scorer:
        reasons = {scorer.unavailable() for _ in range(3)}
    assert caplog.messages == [f"NFIQ 2 is lost: {reason}" for reason in reasons]


def test_a_child_that_died_while_nobody_asked_is_replaced_before_a_citizen_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with child_that("says nothing") as scorer:
        assert scorer.unavailable() is None
        died = psutil.Process(scorer.pid)
        died.kill()
        psutil.wait_procs([died], timeout=10.0)
        assert scorer.unavailable() is None
        assert scorer.pid not in (None, died.pid)
    assert caplog.messages == ["NFIQ 2 is lost: idle: the child ended"]


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
