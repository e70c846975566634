"""The real child with NIST's NFIQ 2.3 and matcher; skipped with a reason where it is not installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.fingers import shared

from drivers.api import FingerImage
from firmware.quality.match import Match, MatchRules, judge
from firmware.quality.nbis.client import FingerScorer, ScoreFailed, ScorerLost
from firmware.quality.nbis.runtime import ScorerMissing, locate

TOOLS = Path(__file__).resolve().parents[3] / ".tools"


@pytest.fixture(scope="module")
def scorer() -> Iterator[FingerScorer]:
    try:
        runtime = locate(TOOLS)
    except ScorerMissing as exc:
        pytest.skip(str(exc))
    with FingerScorer(runtime, timeout_s=30) as scorer:
        yield scorer


@pytest.mark.parametrize(
    "file",
    [
        "sfinge_01.png",
        "sfinge_01__worn0.2.png",
        "sfinge_02__worn0.5.png",
        "nist_cmp00007__dry1.png",
        "nist_cmp00009__wet5.png",
        "lfp_whorl.png",
    ],
)
def test_scores_are_those_of_the_reference_build(scorer: FingerScorer, file: str) -> None:
    finger = shared(file)
    assert scorer.nfiq2(finger.image) == finger.nfiq2


@pytest.mark.parametrize("file", ["black.png", "blank_noise.png", "sfinge_01__blur3.png"])
def test_where_nfiq2_fails_there_is_no_score_and_above_all_no_zero(scorer: FingerScorer, file: str) -> None:
    assert shared(file).nfiq2 is None
    with pytest.raises(ScoreFailed):
        scorer.nfiq2(shared(file).image)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (5, 2000), (300, 900)])
def test_pictures_of_impossible_size_fail_and_leave_the_child_alive(
    scorer: FingerScorer, shape: tuple[int, int]
) -> None:
    assert scorer.unavailable() is None
    child = scorer.pid
    with pytest.raises(ScoreFailed):
        scorer.nfiq2(FingerImage(np.zeros(shape, np.uint8)))
    assert scorer.pid == child


def test_the_same_finger_is_told_from_another(scorer: FingerScorer) -> None:
    finger, again, other = (
        scorer.template(shared(file).image)
        for file in ("sfinge_01.png", "sfinge_01__noise25.png", "sfinge_02.png")
    )
    assert finger.startswith(b"FMR\x00030\x00"), "ISO/IEC 19794-2:2011"
    assert judge(scorer.compare(finger, again), MatchRules()) is Match.SAME
    assert judge(scorer.compare(finger, other), MatchRules()) is Match.OTHER


@pytest.mark.parametrize("record", [b"x", b"FMR\x00030\x00", b"FMR\0 20\0" * 9, b"\xff" * 5000])
def test_a_record_that_is_none_fails_and_leaves_the_child_alive(scorer: FingerScorer, record: bytes) -> None:
    real = scorer.template(shared("sfinge_01.png").image)
    child = scorer.pid
    for pair in ((record, real), (real, record), (real[: len(real) // 2], real)):
        with pytest.raises(ScoreFailed):
            scorer.compare(*pair)
    assert scorer.pid == child


def test_a_killed_child_costs_one_attempt(scorer: FingerScorer) -> None:
    finger = shared("sfinge_01.png")
    assert scorer.unavailable() is None
    assert scorer.pid is not None
    os.kill(scorer.pid, signal.SIGKILL)
    with pytest.raises(ScorerLost):
        scorer.nfiq2(finger.image)
    assert scorer.nfiq2(finger.image) == finger.nfiq2


def test_a_child_that_hangs_is_replaced(scorer: FingerScorer) -> None:
    finger = shared("sfinge_01.png")
    with FingerScorer(locate(TOOLS), timeout_s=0.3) as impatient:
        assert impatient.unavailable() is None
        stopped = impatient.pid
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(ScorerLost, match="no answer in time"):
            impatient.nfiq2(finger.image)
        assert not psutil.pid_exists(stopped)
        assert impatient.unavailable() is None
        assert impatient.pid != stopped


def test_the_child_keeps_little_memory_and_can_write_no_file(scorer: FingerScorer) -> None:
    scorer.nfiq2(shared("sfinge_01.png").image)
    assert scorer.template(shared("sfinge_01.png").image)
    assert scorer.pid is not None
    child = psutil.Process(scorer.pid)
    assert child.memory_full_info().pss < 80 << 20
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert child.rlimit(psutil.RLIMIT_AS)[0] == 1 << 30
    assert "LD_LIBRARY_PATH" not in child.environ()
