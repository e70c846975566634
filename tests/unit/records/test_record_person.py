"""Who may be enrolled: number, age, guardian and the date a card ends, each by the record's own rule pack."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import record

from firmware.records.format import number
from firmware.records.format.rules import age_on, expiry, pack_on, packs
from firmware.records.format.schema import validate

Manifest = dict[str, Any]


def places(manifest: Manifest) -> list[str]:
    return [problem.where for problem in validate(manifest)]


def of(birth: str, sex: str, digits: str, **changes: Any) -> Manifest:
    manifest = record.manifest(**changes)
    for key, value in (("birth_date", birth), ("sex", sex), ("number", digits)):
        manifest["subject"][key]["value"] = value
    return manifest


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("003304000017", "province"),
        ("000304000017", "province"),
        ("001204000017", "sex"),
        ("001104000017", "century and year"),
        ("001305000017", "century and year"),
        ("00130400001", "twelve"),
        ("0013040000١٧", "twelve"),
    ],
)
def test_an_impossible_number_is_named(digits: str, why: str) -> None:
    problems = validate(of("2004-05-06", "F", digits))
    assert [p.where for p in problems] == ["subject.number.value"]
    assert why in problems[0].what


@pytest.mark.parametrize("place", ["001", "096", "101", "330"])
def test_old_provinces_and_foreign_countries_are_places_of_birth(place: str) -> None:
    assert validate(of("2004-05-06", "F", f"{place}304000017")) == []


def test_the_list_of_provinces_is_that_of_63() -> None:
    assert len(number.PROVINCES) == 63


@given(st.dates(date(1900, 1, 1), date(2399, 12, 31)), st.sampled_from("MF"), st.integers(0, 999_999))
def test_a_number_built_by_the_rule_is_taken(born: date, sex: str, rest: int) -> None:
    digit = 2 * ((born.year - 1900) // 100) + "MF".index(sex)
    digits = f"001{digit}{born.year % 100:02d}{rest:06d}"
    number.check(digits, born, sex)
    assert (number.birth_year(digits), number.sex(digits)) == (born.year, sex)
    with pytest.raises(number.NumberProblem):
        number.check(digits, born, "FM"["MF".index(sex)])


GUARDIAN = {"full_name": "Trần Văn Mẫu", "number": "001080000013", "relation": "father"}


@pytest.mark.parametrize(
    ("birth", "digits", "guardian", "expected"),
    [
        ("2012-03-02", "001312000017", None, []),  # 14 today, in Vietnam
        ("2012-03-03", "001312000017", None, ["guardian"]),
        ("2012-03-03", "001312000017", GUARDIAN, []),
        ("2021-03-02", "001321000017", GUARDIAN, ["subject.birth_date.value"]),  # 5
        ("2030-01-01", "001330000017", GUARDIAN, ["subject.birth_date.value"]),
    ],
)
def test_age_and_guardian_by_the_pack_of_2024(
    birth: str, digits: str, guardian: object, expected: list[str]
) -> None:
    assert places(of(birth, "F", digits, guardian=guardian)) == expected


def test_the_pack_of_2021_enrols_from_fourteen() -> None:
    old = {"started_at": "2022-03-02T03:00:00Z", "rule_pack": "7/2021", "iris": None}
    assert places(of("2008-03-03", "F", "001308000017", guardian=GUARDIAN, **old)) == [
        "subject.birth_date.value"
    ]
    assert places(of("2008-03-02", "F", "001308000017", **old)) == []


def test_ages_are_counted_in_vietnam() -> None:
    """18:00 UTC is the next day in Hà Nội."""
    evening = {"started_at": "2026-03-02T18:00:00Z", "completed_at": "2026-03-02T18:10:00Z"}
    manifest = of("2012-03-03", "F", "001312000017", **evening)
    manifest["steps"] = []
    assert validate(manifest) == []


def test_a_record_is_judged_by_the_pack_of_its_day() -> None:
    assert places(record.manifest(rule_pack="7/2021")) == ["rule_pack"]
    assert places(record.manifest(started_at="1999-01-01T00:00:00Z"))[0] == "started_at"
    assert pack_on(date(2024, 6, 30)).name == "7/2021"
    assert pack_on(date(2024, 7, 1)).name == "7/2024"


def test_a_guardian_is_another_person_with_a_possible_number() -> None:
    own = {**GUARDIAN, "number": record.NUMBER}
    assert places(record.manifest(guardian=own)) == ["guardian.number"]
    assert places(record.manifest(guardian={**GUARDIAN, "number": "003080000013"})) == ["guardian.number"]


def test_iris_is_said_not_to_be_captured_where_the_law_asks_for_it() -> None:
    assert places(record.manifest(iris=None)) == ["iris"]
    assert places(record.manifest(iris={"captured": True, "reason": "x"})) == ["iris.captured"]


def test_a_renewal_is_near_a_mark() -> None:
    child = of("2015-01-01", "F", "001315000017", guardian=GUARDIAN, case="renewal")
    assert places(child) == ["case"]
    assert places(record.manifest(case="renewal")) == []


@pytest.mark.parametrize(
    ("born", "issued", "ends"),
    [
        ("2012-05-06", "2026-05-06", "2037-05-06"),
        ("2004-05-06", "2026-03-02", "2029-05-06"),
        ("2001-05-06", "2024-05-06", "2041-05-06"),  # two years before 25: lasts to 40
        ("2001-05-06", "2024-05-05", "2026-05-06"),
        ("1966-05-06", "2024-05-06", None),  # 58: for life
        ("2000-02-29", "2020-01-01", "2025-03-01"),
    ],
)
def test_a_card_lasts_to_the_next_mark(born: str, issued: str, ends: str | None) -> None:
    got = expiry(packs()["7/2024"], date.fromisoformat(born), date.fromisoformat(issued))
    assert got == (date.fromisoformat(ends) if ends else None)


@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.dates(date(2024, 7, 1), date(2090, 1, 1)))
def test_a_card_never_ends_before_it_is_issued(born: date, issued: date) -> None:
    ends = expiry(packs()["7/2024"], born, issued)
    if ends is None:
        assert age_on(born, issued) >= 57
    else:
        assert ends > issued and age_on(born, ends) in (14, 25, 40, 60)
