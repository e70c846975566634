"""The manifest's schema: a valid record passes, and each thing that is wrong is named where it is."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import record

from firmware.records.format import number
from firmware.records.format.manifest import canonical, files_table, parse
from firmware.records.format.rules import PACKS, age_on, expiry, pack_on
from firmware.records.format.schema import FINGERS, REASONS, validate, validate_part

Manifest = dict[str, Any]


def places(manifest: Manifest) -> list[str]:
    return [problem.where for problem in validate(manifest)]


def test_a_valid_record_passes() -> None:
    assert validate(record.manifest()) == []


@pytest.mark.parametrize("key", sorted(record.manifest()))
def test_every_missing_section_is_named(key: str) -> None:
    manifest = record.manifest()
    del manifest[key]
    assert places(manifest) == [key]


@pytest.mark.parametrize("key", sorted(record.manifest()))
@pytest.mark.parametrize("value", [7.5, "\u202ewrong", [[[]]], {"no": "such"}], ids=type)
def test_every_section_of_a_wrong_type_is_named(key: str, value: object) -> None:
    found = places(record.manifest(**{key: value}))
    assert found and all(where.startswith(key) for where in found)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for at, entry in enumerate(value):
            yield from leaves(entry, (*path, at))
    else:
        yield path


def put(manifest: Manifest, path: tuple[Any, ...], value: Any) -> None:
    at: Any = manifest
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value


def where(path: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


LEAVES = list(leaves(record.manifest()))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(LEAVES), st.sampled_from([{"a": 1}, [1], 1e400, "\x00", "e\u0301" * 3, -1, "x" * 5000])
)
def test_each_mutation_is_named_where_it_is(path: tuple[Any, ...], value: object) -> None:
    manifest = record.manifest()
    put(manifest, path, value)
    found = places(manifest)
    assert any(name.startswith(where(path)) for name in found), (path, value, found)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=12,
    )
)
def test_anything_at_all_gets_an_answer(value: Any) -> None:
    assert validate(value)
    manifest = record.manifest()
    manifest["subject"] = value
    assert places(manifest)[0].startswith("subject")


def test_no_problem_quotes_personal_data() -> None:
    manifest = record.manifest()
    manifest["subject"]["number"]["value"] = "999304000017"
    manifest["subject"]["full_name"]["value"] = unicodedata.normalize("NFD", record.NAME)
    manifest["subject"]["birth_date"]["value"] = "2004-13-99"
    text = " ".join(map(str, validate(manifest)))
    assert "9993" not in text and "2004" not in text and "Nguy" not in text


# --- the person ------------------------------------------------------------------------------------


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
    got = expiry(PACKS["7/2024"], date.fromisoformat(born), date.fromisoformat(issued))
    assert got == (date.fromisoformat(ends) if ends else None)


@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.dates(date(2024, 7, 1), date(2090, 1, 1)))
def test_a_card_never_ends_before_it_is_issued(born: date, issued: date) -> None:
    ends = expiry(PACKS["7/2024"], born, issued)
    if ends is None:
        assert age_on(born, issued) >= 57
    else:
        assert ends > issued and age_on(born, ends) in (14, 25, 40, 60)


# --- fingers ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(FINGERS)), st.sampled_from(REASONS))
def test_every_subset_of_fingers_may_be_excepted(absent: set[str], reason: str) -> None:
    entries = [record.excepted(f, reason) if f in absent else record.finger(f) for f in FINGERS]
    files = {name: data for name, data in record.files().items() if name.split("/")[-1][:-4] not in absent}
    assert validate(record.manifest(fingers=entries, files=files_table(files))) == []


def changed_finger(**changes: Any) -> Manifest:
    manifest = record.manifest()
    manifest["fingers"][3].update(changes)
    return manifest


EXCEPTION = record.excepted("right_ring")["exception"]
WRONG_FINGERS: dict[str, tuple[Manifest, str]] = {
    "twice": (changed_finger(position="right_thumb"), "fingers"),
    "best of n": (changed_finger(score=40), "fingers[3].score"),
    "no scorer": (changed_finger(scorer=None), "fingers[3].score"),
    "neither": (changed_finger(image=None, score=None), "fingers[3]"),
    "missing yet imaged": (changed_finger(exception=EXCEPTION), "fingers[3].exception.reason"),
    "one officer": (
        changed_finger(exception={**EXCEPTION, "reason": "worn", "officers": ["O-1"]}),
        "fingers[3].exception.officers",
    ),
    "the same officer": (
        changed_finger(exception={**EXCEPTION, "reason": "worn", "officers": ["O-1", "O-1"]}),
        "fingers[3].exception.officers",
    ),
    "grows again": (
        changed_finger(
            image=None,
            score=None,
            exception={**EXCEPTION, "reason": "amputated", "permanence": "temporary"},
        ),
        "fingers[3].exception.permanence",
    ),
}


@pytest.mark.parametrize("name", WRONG_FINGERS)
def test_a_wrong_finger_is_named(name: str) -> None:
    manifest, expected = WRONG_FINGERS[name]
    assert expected in places(manifest)


def test_a_worn_finger_may_keep_its_best_image() -> None:
    worn = {**EXCEPTION, "reason": "worn", "permanence": "temporary", "officers": ["O-1"]}
    assert validate(changed_finger(exception=worn)) == []


# --- cards, files, chain ---------------------------------------------------------------------------


def void(attempt: int, digest: str) -> dict[str, Any]:
    return {"attempt": attempt, "sod_sha256": digest * 32, "officers": ["O-1"], "at": record.AT}


def chip(**changes: Any) -> dict[str, Any]:
    return {**record.manifest()["chip"], **changes}


WRONG_CARDS: dict[str, tuple[Callable[[], Manifest], str]] = {
    "live and void": (
        lambda: record.manifest(chip=chip(attempt=2), void_cards=[void(1, "cd")]),
        "void_cards",
    ),
    "same attempt": (lambda: record.manifest(void_cards=[void(1, "ef")]), "void_cards"),
    "later attempt": (lambda: record.manifest(void_cards=[void(2, "ef")]), "chip.attempt"),
    "not locked": (lambda: record.manifest(chip=chip(locked=False)), "chip.locked"),
    "no card": (lambda: record.manifest(chip=None), "chip"),
    "a card elsewhere": (lambda: record.manifest(issued_here=False), "chip"),
}


@pytest.mark.parametrize("name", WRONG_CARDS)
def test_a_wrong_card_is_named(name: str) -> None:
    manifest, expected = WRONG_CARDS[name]
    assert expected in places(manifest())


def test_at_most_one_card_is_not_on_the_void_list() -> None:
    manifest = record.manifest(chip=chip(attempt=3), void_cards=[void(1, "ee"), void(2, "ff")])
    assert validate(manifest) == []


def test_files_and_fields_agree() -> None:
    manifest = record.manifest()
    entry = manifest["files"].pop("portrait.jp2")
    assert places(manifest) == ["files.portrait.jp2"]
    manifest["files"]["portrait.jp2"] = entry
    manifest["files"]["fingers/eleventh.png"] = entry
    assert places(manifest) == ["files.fingers/eleventh.png"]
    manifest = record.manifest()
    manifest["fingers"][0]["image"] = manifest["fingers"][1]["image"]
    assert "files" in places(manifest)


@pytest.mark.parametrize(
    "name", ["../x.png", "/x.png", "manifest.json.png/", "a/b/c.png", "X.png", "x.exe", ""]
)
def test_a_file_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    manifest = record.manifest()
    manifest["files"][name] = {"sha256": "00" * 32, "bytes": 1}
    assert places(manifest)


def test_the_chain_begins_at_one() -> None:
    assert places(record.manifest(sequence=2)) == ["previous_digest"]
    assert places(record.manifest(previous_digest="ab" * 32)) == ["previous_digest"]
    assert validate(record.manifest(sequence=2, previous_digest="ab" * 32)) == []


def test_times_do_not_run_backwards() -> None:
    assert places(record.manifest(completed_at="2026-03-02T02:00:00Z")) == ["completed_at"]
    steps = [{"step": "A", "at": "2026-03-02T03:00:01Z"}, {"step": "B", "at": record.AT}]
    assert places(record.manifest(steps=steps)) == ["steps"]


def test_every_problem_is_told_at_once() -> None:
    manifest = record.manifest(case="gift", simulated="no", sequence=0)
    assert set(places(manifest)) == {"case", "simulated", "sequence"}


def test_canonical_bytes_are_read_back() -> None:
    manifest = record.manifest()
    assert parse(canonical(manifest)) == manifest
    shuffled = dict(reversed(copy.deepcopy(manifest).items()))
    assert canonical(shuffled) == canonical(manifest)


def test_a_part_is_judged_alone() -> None:
    assert validate_part("subject", record.subject()) == []
    assert validate_part("finger/left_thumb", record.excepted("left_thumb")) == []
    assert validate_part("guardian", None) == []
    for name in ("fingers", "chip", "finger/third_thumb", "sequence", "finger/"):
        assert validate_part(name, {})
