"""What the demo prints where nobody looks on: whole lines, no bars, and the limit that a finger passed."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from firmware.sim.evidence import Evidence
from firmware.sim.guard import Passport, Read
from firmware.sim.show import SAYS, WIDE, Show, tables
from statemachine.states import S

CHECKS = tuple(f"check_number_{n}" for n in range(12))


def finger(position: str, score: int) -> dict[str, Any]:
    scorer = {"name": "NFIQ 2", "estimate": False}
    return {"position": position, "score": score, "scorer": scorer, "attempts": [{}]}


@pytest.fixture
def evidence() -> Evidence:
    manifest = {
        "fingers": [finger("right_thumb", 61), finger("left_little", 7)],
        "portrait": {"image": "p", "scores": {"eye_distance_px": 115}, "attempts": 1},
        "files": {"p": {"bytes": 14865}},
    }
    receipt = SimpleNamespace(at=datetime(2026, 1, 15, tzinfo=UTC), kind="ACCEPTED", position=3)
    passport = Passport((Read("DG1", 95, verified=True),), CHECKS, b"", "")
    thresholds = {"right_thumb": 30, "left_little": 10}
    return Evidence(manifest, cast("Any", receipt), passport, 1, thresholds, (("DRAFT", "10:00", "x"),))


def test_a_table_in_a_file_names_the_threshold_and_wraps_nothing(evidence: Evidence) -> None:
    out = io.StringIO()
    tables(Console(file=out, width=WIDE), 1, evidence)
    assert "passed ≥ 30" in out.getvalue()
    assert "below 10" in out.getvalue()
    assert any(all(check in line for check in CHECKS) for line in out.getvalue().splitlines())


def test_no_bar_is_drawn_into_a_file() -> None:
    out = io.StringIO()
    show = Show(Console(file=out, width=80))
    flow = SimpleNamespace(state=S.WRITE_CHIP)
    kiosk = cast("Any", SimpleNamespace(flow=flow, form=SimpleNamespace(fraction=0.5)))
    show.watch(kiosk)
    assert out.getvalue() == ""
    flow.state = S.VERIFY_CHIP
    show.watch(kiosk)
    assert len(out.getvalue().splitlines()) == 1
    assert "WRITE_CHIP" in out.getvalue()


def test_a_long_line_stays_one_line() -> None:
    out = io.StringIO()
    Show(Console(file=out, width=40)).say("word " * 40)
    assert len(out.getvalue().splitlines()) == 1


def test_the_receipt_is_not_called_a_ticket() -> None:
    assert SAYS[S.RECEIPT][0] == "Biên nhận"
