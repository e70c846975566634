"""The three rule packs, case by case, counted by hand: who, when, how long a card lasts, when it is due.

Sources: Law 59/2014/QH13 art. 19, 21, 25 with Circulars 66/2015, 07/2016, 59 and 60/2021; Law 26/2023/QH15
art. 19, 21, 23, 26 with Circulars 16 and 17/2024.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from support import record

from firmware.records.format import record_rules, rules, schema
from firmware.records.format.calendar import due_day
from firmware.records.format.rules import expiry, packs
from firmware.records.format.schema import validate

OLD, MIDDLE, NEW = "1/2021", "7/2021", "7/2024"
DAY = {OLD: "2021-03-02", MIDDLE: "2022-03-02", NEW: "2026-03-02"}
"""A day of each pack, on which the people below stand before the box."""
IRIS = {"captured": False, "reason": "no_sensor"}
GUARDIAN = {"full_name": "Trần Văn Mẫu", "number": "001080000013", "relation": "father"}


def visit(pack: str, born: str, **changes: Any) -> dict[str, Any]:
    """The record of a woman born on that day, made on the pack's DAY, wholly in order but for her age."""
    at = f"{DAY[pack]}T03:00:00Z"
    manifest = record.manifest(
        rule_pack=pack,
        started_at=at,
        completed_at=at,
        steps=[],
        iris=IRIS if pack == NEW else None,
        **changes,
    )
    year = int(born[:4])
    manifest["subject"]["birth_date"]["value"] = born
    manifest["subject"]["number"]["value"] = f"001{1 if year < 2000 else 3}{born[2:4]}000017"
    return manifest


def places(manifest: dict[str, Any]) -> list[str]:
    return [problem.where for problem in validate(manifest)]


# --- from which age, with whom, for which case --------------------------------------------------------

AGE, ALONE, CASE = "subject.birth_date.value", "guardian", "case"
WHO = [
    (OLD, "2007-03-02", "first_issue", []),  # fourteen today
    (OLD, "2007-03-03", "first_issue", [AGE, ALONE]),  # fourteen tomorrow
    (OLD, "1998-03-02", "renewal", []),  # 23: two years before the mark of 25
    (OLD, "1998-03-03", "renewal", [CASE]),  # 23 tomorrow: there is nothing to renew yet
    (OLD, "1998-03-03", "replacement", []),
    (OLD, "2006-01-01", "correction", []),
    (OLD, "1961-03-02", "renewal", []),  # sixty today
    (OLD, "1923-01-01", "first_issue", []),
    (MIDDLE, "2008-03-02", "first_issue", []),
    (MIDDLE, "2008-03-03", "first_issue", [AGE, ALONE]),
    (MIDDLE, "1999-03-02", "renewal", []),
    (MIDDLE, "1999-03-03", "renewal", [CASE]),
    (MIDDLE, "1999-03-03", "correction", []),
    (MIDDLE, "2008-03-02", "replacement", []),
    (NEW, "2012-03-02", "first_issue", []),  # fourteen today: alone
    (NEW, "2012-03-03", "first_issue", [ALONE]),  # fourteen tomorrow
    (NEW, "2020-03-02", "first_issue", [ALONE]),  # six today
    (NEW, "2020-03-03", "first_issue", [AGE, ALONE]),  # six tomorrow: through the portal, not here
    (NEW, "2014-03-02", "renewal", [ALONE]),  # twelve: two years before the mark of 14
    (NEW, "2014-03-03", "renewal", [ALONE, CASE]),
    (NEW, "2014-03-03", "replacement", [ALONE]),
    (NEW, "2001-03-02", "renewal", []),  # 25 today
    (NEW, "1896-03-02", "first_issue", []),  # 130
    (NEW, "1895-03-01", "first_issue", [AGE]),
]


@pytest.mark.parametrize(("pack", "born", "case", "wrong"), WHO)
def test_who_may_be_enrolled_for_what(pack: str, born: str, case: str, wrong: list[str]) -> None:
    manifest = visit(pack, born, case=case)
    if int(born[:4]) < 1900:  # before the numbers' first century: the number is another matter
        wrong = [*wrong, "subject.number.value"]
    assert sorted(places(manifest)) == sorted(wrong)
    manifest["guardian"] = GUARDIAN
    assert sorted(places(manifest)) == sorted(place for place in wrong if place != ALONE)


@pytest.mark.parametrize(
    ("pack", "born", "asked"),
    [
        (OLD, "1990-01-01", False),
        (MIDDLE, "1990-01-01", False),
        (NEW, "1990-01-01", True),
        (NEW, "2020-03-02", True),  # six today
    ],
)
def test_iris_is_accounted_for_where_the_pack_asks_for_it(pack: str, born: str, asked: bool) -> None:
    without = visit(pack, born, guardian=GUARDIAN)
    without["iris"] = None
    assert places(without) == (["iris"] if asked else [])


@pytest.mark.parametrize(
    ("pack", "born", "case"),
    [
        (OLD, "1998-03-02", "renewal"),
        (OLD, "1998-03-03", "replacement"),
        (MIDDLE, "1999-03-03", "replacement"),
        (NEW, "2014-03-02", "renewal"),
        (NEW, "2014-03-03", "replacement"),  # a child whose first card is not due for another two years
        (NEW, "2020-03-02", "replacement"),
    ],
)
def test_who_has_a_card_gets_a_case_that_the_record_may_have(pack: str, born: str, case: str) -> None:
    made = rules.case_with_card(packs()[pack], date.fromisoformat(born), date.fromisoformat(DAY[pack]))
    assert made == case
    assert CASE not in places(visit(pack, born, case=made))


# --- how long a card lasts ----------------------------------------------------------------------------

BORN = date(2000, 5, 6)
BOTH_OLD = [
    ("2014-05-06", "2025-05-06"),  # the first one, at fourteen
    ("2022-05-06", "2025-05-06"),  # three years before 25
    ("2023-05-05", "2025-05-06"),  # two years and a day before 25
    ("2023-05-06", "2040-05-06"),  # two years before: lasts to the next mark
    ("2023-05-07", "2040-05-06"),
    ("2025-05-05", "2040-05-06"),  # the day before 25
    ("2025-05-06", "2040-05-06"),
    ("2025-05-07", "2040-05-06"),
    ("2038-05-05", "2040-05-06"),
    ("2038-05-06", "2060-05-06"),
    ("2040-05-05", "2060-05-06"),
    ("2040-05-06", "2060-05-06"),
    ("2058-05-05", "2060-05-06"),
    ("2058-05-06", None),  # two years before sixty: for life
    ("2060-05-05", None),
    ("2060-05-06", None),
    ("2062-05-06", None),
]
ONLY_NEW = [
    ("2006-05-06", "2014-05-06"),  # at six
    ("2012-05-05", "2014-05-06"),  # two years and a day before 14
    ("2012-05-06", "2025-05-06"),
    ("2012-05-07", "2025-05-06"),
    ("2014-05-05", "2025-05-06"),
]
LASTS = [(pack, *row) for pack in (OLD, MIDDLE, NEW) for row in BOTH_OLD] + [(NEW, *row) for row in ONLY_NEW]


@pytest.mark.parametrize(("pack", "issued", "ends"), LASTS)
def test_a_card_ends_at_the_next_mark_that_is_two_years_away(
    pack: str, issued: str, ends: str | None
) -> None:
    got = expiry(packs()[pack], BORN, date.fromisoformat(issued))
    assert got == (date.fromisoformat(ends) if ends else None)


def test_fourteen_is_a_mark_since_2024_only() -> None:
    issued = date(2011, 5, 6)
    ends = {name: expiry(pack, BORN, issued) for name, pack in packs().items()}
    assert ends == {OLD: date(2025, 5, 6), MIDDLE: date(2025, 5, 6), NEW: date(2014, 5, 6)}


# --- when it is due -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pack", "accepted", "due"),
    [
        (OLD, "2021-01-29", "2021-03-05"),  # Tết of the Buffalo: 10 to 16 February
        (OLD, "2021-06-01", "2021-06-29"),
        (MIDDLE, "2022-01-28", "2022-03-04"),  # the Tiger: 31 January to 4 February
        (MIDDLE, "2024-02-07", "2024-03-13"),  # the Dragon: 8 to 14 February
        (NEW, "2025-01-24", "2025-02-11"),  # the Snake: 25 January to 2 February
        (NEW, "2026-02-10", "2026-02-26"),  # the Horse: 14 to 22 February
        (NEW, "2024-12-31", "2025-01-10"),  # New Year's Day
    ],
)
def test_a_card_is_due_in_working_days_and_tet_is_none(pack: str, accepted: str, due: str) -> None:
    days = packs()[pack].due_working_days
    assert due_day(date.fromisoformat(accepted), days).isoformat() == due


# --- names, and which pack ----------------------------------------------------------------------------


def test_a_form_has_the_name_that_it_had_under_the_records_own_pack() -> None:
    """CC02 of 2015 is what the citizen's data were taken down on; since 2024 that is CC01."""
    named = {name: (pack.form.name, pack.form.law.split()[1]) for name, pack in packs().items()}
    assert named == {
        OLD: ("CC02", "66/2015/TT-BCA"),
        MIDDLE: ("CC02", "66/2015/TT-BCA"),
        NEW: ("CC01", "17/2024/TT-BCA"),
    }


@pytest.mark.parametrize("pack", DAY)
def test_a_record_is_judged_by_its_own_pack_years_later(pack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law of 2030 that enrols nobody under fifty takes nothing from the records made before it."""
    later = replace(packs()[NEW], name="1/2030", begins=date(2030, 1, 1), from_age=50)
    known = {**packs(), later.name: later}
    for module in (rules, record_rules, schema):
        monkeypatch.setattr(module, "packs", lambda: known)
    assert places(visit(pack, "1990-01-01")) == []
    for other in {*DAY} - {pack}:
        wrong = visit(pack, "1990-01-01")
        wrong["rule_pack"], wrong["iris"] = other, IRIS
        assert places(wrong) == ["rule_pack"]


@pytest.mark.parametrize(
    ("started", "pack"),
    [
        ("2024-06-30T16:59:59Z", MIDDLE),  # one second to midnight in Hà Nội
        ("2024-06-30T17:00:00Z", NEW),
        ("2021-06-30T16:59:59Z", OLD),
        ("2021-06-30T17:00:00Z", MIDDLE),
    ],
)
def test_a_visit_over_midnight_belongs_to_the_pack_it_began_under(started: str, pack: str) -> None:
    manifest = visit(pack, "1990-01-01")
    manifest["started_at"] = started
    manifest["completed_at"] = started.replace("16:59:59", "17:20:00")
    assert validate(manifest) == []
