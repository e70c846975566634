"""Each record keeps the assignment that it began under, wherever the box is lent to meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import box, record
from support.papers import ASSIGNMENT, BoxIdentity, signed

from config.schema import Config
from firmware.app.desk import Desk
from firmware.box.clock import BoxClock
from firmware.records.format.schema import ASSIGNMENT as TABLE
from firmware.records.format.seal import open_sealed
from firmware.records.journal import Journal

CLOCK = box.Clock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with box.open_journal(tmp_path, CLOCK) as opened:
        yield opened


@pytest.fixture
def desk() -> Desk:
    config, identity = Config(), BoxIdentity()
    clock = BoxClock(CLOCK, time.monotonic, kept=True)
    anything: Any = None
    return Desk(config, identity, anything, anything, anything, time.monotonic, clock)  # type: ignore[arg-type]


def problems(assignment: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    TABLE(assignment, "assignment", found)
    return found


def test_without_a_paper_the_configuration_says_where(desk: Desk, journal: Journal) -> None:
    station = desk.config.station
    said = desk.assignment(journal)
    assert (said["home_unit"], said["team"], said["epoch"]) == (station.home_unit, station.team, 1)
    assert problems(said) == []


def test_the_signed_assignment_says_where(desk: Desk, journal: Journal) -> None:
    desk.papers.take(journal, signed(ASSIGNMENT))
    said = desk.assignment(journal)
    assert said == {
        "home_unit": "U-7901",
        "capture_unit": "U-7905",
        "team": "TEAM-4",
        "station": "Nhà văn hoá thôn Đoài",
        "box": record.BOX,
        "epoch": 3,
        "shift": "2026-03-02",
        "officers": [],
    }
    assert problems(said) == []
    desk.papers.take(journal, signed(ASSIGNMENT, serial=4, station=""))
    assert problems(desk.assignment(journal)) == []


def test_a_spare_that_nobody_needs_yet_stands_where_its_configuration_says(
    desk: Desk, journal: Journal
) -> None:
    nowhere = dict.fromkeys(("home_unit", "capture_unit", "team", "station"), "")
    desk.papers.take(journal, signed(replace(ASSIGNMENT, role="spare", **nowhere)))
    said = desk.assignment(journal)
    assert (said["capture_unit"], said["epoch"]) == (desk.config.station.capture_unit, 3)
    assert problems(said) == []


def test_a_box_that_is_lent_does_not_rewrite_yesterdays_work(desk: Desk, journal: Journal) -> None:
    desk.papers.take(journal, signed(ASSIGNMENT))
    yesterday = journal.begin("first_issue", "7/2024", desk.assignment(journal))
    for part, value, blobs in box.parts():
        journal.accept(yesterday, part, value, blobs)
    ticket = journal.wait(yesterday, "left", record.NOW + timedelta(days=30))

    lent = replace(ASSIGNMENT, serial=4, epoch=4, pool="T-01", home_unit="U-0101", capture_unit="U-0102")
    desk.papers.take(journal, signed(lent))
    today = journal.begin("first_issue", "7/2024", desk.assignment(journal))
    assert journal.draft(today).assignment["epoch"] == 4
    journal.abandon(today, "left")

    assert journal.resume(ticket) == yesterday
    journal.freeze(yesterday, box.IMAGE)
    box.issuing(journal, yesterday)
    journal.complete(yesterday, 1, box.REPORT)
    keys = record.keys()
    opened = open_sealed(journal.seal(yesterday).read_bytes(), [keys.centre], keys.box_ca, CLOCK())
    kept = opened.manifest["assignment"]
    assert (kept["home_unit"], kept["capture_unit"], kept["epoch"]) == ("U-7901", "U-7905", 3)
