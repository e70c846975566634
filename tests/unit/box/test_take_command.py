"""`kiosk box take`: what the centre wrote onto a stick, in any order, and as often as one likes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support import record
from support.console import DAY_BEFORE, NOW, acts, data, journal_of, run, today

from centre.papers import Place, Terms
from centre.station import Station
from firmware.box.identity import Identity
from firmware.box.warrants import Papers

pytestmark = pytest.mark.usefixtures("today")
__all__ = ["data", "today"]  # fixtures

HERE = Place("T-79", "U-7901", "U-7905", "TEAM-4", "thôn Đoài")


@pytest.fixture
def stick(data: Path, tmp_path: Path) -> Path:
    """Named so that the lease comes before the assignment."""
    station, folder = Station(data.parent / "centre"), tmp_path / "stick"
    folder.mkdir()
    (folder / "b-assignment.json").write_bytes(station.assign(record.BOX, HERE, now=DAY_BEFORE))
    terms = Terms(20, ("renewal",), NOW + timedelta(days=3), "ab" * 32)
    (folder / "a-lease.json").write_bytes(station.lease(record.BOX, terms, now=DAY_BEFORE))
    return folder


def take(data: Path, *files: Path) -> tuple[int, str]:
    done = run(data, "box", "take", *map(str, files))
    return done.exit_code, done.output


def test_a_stick_is_taken_whole_in_any_order_and_again(data: Path, stick: Path) -> None:
    files = sorted(stick.iterdir())
    code, said = take(data, *files)
    assert code == 0, said
    assert "U-7905 · TEAM-4 · thôn Đoài · epoch 1" in said
    again = take(data, *files)
    assert again[0] == 0
    assert "known already" in again[1]
    with journal_of(data) as journal:
        papers = Papers(Identity(data / "identity"), production=False)
        lease = papers.lease(journal, record.BOX)
        assert lease is not None
        assert lease.count == 20
    assert ("stick", "lease_taken") in acts(data)


def test_what_is_refused_is_named_with_its_reason_and_the_rest_is_taken(data: Path, stick: Path) -> None:
    station = Station(data.parent / "centre")
    station.enrol_box("BOX-02", data.parent / "other", DAY_BEFORE)
    strange, text = stick / "c-strange.json", stick / "d-text.json"
    strange.write_bytes(station.assign("BOX-02", replace(HERE, team="TEAM-5"), now=DAY_BEFORE))
    text.write_text("no paper")
    code, said = take(data, *sorted(stick.iterdir()), stick / "gone.json")
    assert code == 1
    assert "c-strange.json" in said and "paper_of_another_box" in said
    assert said.count("paper_unreadable") == 2
    assert "TEAM-4" in said
    assert ("stick", "paper_refused") in acts(data)


def test_a_lease_without_assignment_waits_for_it(data: Path, stick: Path) -> None:
    code, said = take(data, stick / "a-lease.json")
    assert (code, "no_assignment" in said) == (1, True)
