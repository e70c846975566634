"""The manifest's schema: a valid record passes, and each thing that is wrong is named where it is."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import record

from firmware.records.format.manifest import canonical, files_table, parse
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
    st.sampled_from(LEAVES), st.sampled_from([{"a": 1}, [1], 1e400, "\x00", "e\u0301" * 3, -1e7, "x" * 5000])
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
