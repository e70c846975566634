"""Counts and league table: by unit and business day, of accepted records only, made from their files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import delete, update
from starlette.testclient import TestClient
from support import record
from support.centre import Box, TestStation, deliver, without_card
from typer.testing import CliRunner

from centre import cli, db
from centre.league import business_day


class Shift:
    """A box at work: each record follows the last."""

    def __init__(self, http: TestClient, box: Box) -> None:
        self._http, self._box = http, box
        self._sequence, self._previous = 0, record.FIRST

    def enrols(self, unit: str = "unit-9", done: str = "2026-03-02T03:04:00Z", **more: Any) -> str:
        """One visit finished at `done`; the kind of its receipt."""
        self._sequence += 1
        usual = {
            "sequence": self._sequence,
            "previous_digest": self._previous,
            "completed_at": done,
            "assignment": {**record.assignment(), "capture_unit": unit},
            "case": "correction",
        }
        sections = without_card(**{**usual, **more})
        sealed = self._box.seal(**sections)
        self._previous = sealed.record_digest
        return str(deliver(self._http, sealed).json()["receipt"]["kind"])


@pytest.fixture
def shift(http: TestClient, box: Box) -> Shift:
    return Shift(http, box)


def run(station: TestStation, *words: str) -> tuple[int, str]:
    url = station.station.database_url
    where = ["--database", url] if url else ["--database", f"sqlite:///{station.station.folder}/centre.db"]
    result = CliRunner().invoke(cli.app, [words[0], str(station.station.folder), *words[1:], *where])
    return result.exit_code, result.output + str(result.exception or "")


def table(station: TestStation, *words: str) -> list[dict[str, Any]]:
    status, output = run(station, "counts", *words)
    assert status == 0, output
    rows: list[dict[str, Any]] = json.loads(output)
    return rows


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-01T23:00:00Z", "2026-03-02"),  # 06:00: the teams begin
        ("2026-03-02T16:59:59Z", "2026-03-02"),  # midnight is no end
        ("2026-03-02T19:59:00Z", "2026-03-02"),  # 02:59 the next morning
        ("2026-03-02T21:59:59.9Z", "2026-03-02"),
        ("2026-03-02T22:00:00Z", "2026-03-03"),  # 05:00
    ],
)
def test_a_night_shift_counts_on_the_day_it_began(moment: str, day: str) -> None:
    assert business_day(moment) == day


def test_units_stand_in_order_of_the_day_with_the_four_shares(shift: Shift, station: TestStation) -> None:
    for unit in ("unit-9", "unit-4", "unit-4"):
        assert shift.enrols(unit) == "ACCEPTED"
    shift.enrols("unit-4", "2026-03-03T03:04:00Z")
    rows = table(station, "--by", "unit,day")
    assert [(row["day"], row["rank"], row["unit"], row["accepted"]) for row in rows] == [
        ("2026-03-02", 1, "unit-4", 2),
        ("2026-03-02", 2, "unit-9", 1),
        ("2026-03-03", 1, "unit-4", 1),
    ]
    assert all(0 < row[name] <= 100 for row in rows for name in ("right", "complete", "clean", "alive"))
    assert [row["unit"] for row in table(station, "--by", "unit", "--day", "2026-03-03")] == ["unit-4"]
    assert [row["accepted"] for row in table(station, "--by", "day")] == [3, 1]


def test_only_accepted_records_count(shift: Shift, station: TestStation) -> None:
    assert shift.enrols(case="first_issue") == "ACCEPTED"
    assert shift.enrols(case="first_issue") == "DUPLICATE_PERSON"
    assert shift.enrols(previous_digest="ee" * 32) == "HELD"
    assert [row["accepted"] for row in table(station, "--by", "unit")] == [1]


def test_the_table_is_made_again_from_the_sealed_files(shift: Shift, station: TestStation) -> None:
    for unit in ("unit-9", "unit-4", "unit-4"):
        shift.enrols(unit)
    before = table(station, "--by", "unit,day")
    with station.turn() as turn:
        turn.connection.execute(delete(db.measures).where(db.measures.c.unit == "unit-9"))
        turn.connection.execute(update(db.measures).values(right_held=0))
    assert table(station, "--by", "unit,day") != before
    assert "3 accepted records, 3 rows" in run(station, "rebuild")[1]
    assert table(station, "--by", "unit,day") == before
    assert "3 accepted records, 0 rows" in run(station, "rebuild")[1]


def test_a_sealed_file_that_is_gone_or_changed_ends_the_rebuild(shift: Shift, station: TestStation) -> None:
    shift.enrols()
    (kept,) = (station.station.folder / "records").glob("*/*.age")
    whole = kept.read_bytes()
    for harm in (kept.unlink, lambda: kept.write_bytes(whole[:-1])):
        harm()
        status, output = run(station, "rebuild")
        assert status != 0 and "does not hold the record" in output
    assert [row["accepted"] for row in table(station, "--by", "unit")] == [1]


@pytest.mark.parametrize("by", ["box", "unit,unit"])
def test_what_nobody_counts_by_is_refused(station: TestStation, by: str) -> None:
    status, output = run(station, "counts", "--by", by)
    assert status != 0 and "unit,day" in output
