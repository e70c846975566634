"""Đúng, đủ, sạch, sống: what each virtue finds, and that nothing it finds is personal."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from support import record

from config.codes import code_table
from firmware.records.format.data_quality import measure
from firmware.records.format.number import PROVINCES
from firmware.records.format.schema import validate
from firmware.records.format.vietnamese import tone_misplaced

SAID = {
    "ethnicity": "Kinh", "religion": "Không", "place_of_origin": "xã Mẫu, tỉnh Hà Giang",
    "residence": "Số 1 đường Thử, phường Mẫu, Thành phố Hà Nội", "father_name": "Nguyễn Văn Hòa",
    "mother_name": "Trần Thị Thuý",
}  # fmt: skip

POOR = {**record.finger("right_little"), "score": 9, "attempts": [{"at": record.AT, "score": 9}]}


def whole() -> dict[str, Any]:
    """A record in which nothing is to be found fault with."""
    subject = record.subject() | {name: record.stated(value) for name, value in SAID.items()}
    exact = {"name": "nfiq2", "version": "2.3", "estimate": False}
    fingers = [{**finger, "scorer": exact} for finger in record.manifest()["fingers"]]
    return record.manifest(
        subject=subject,
        fingers=fingers,
        old_card={"read": "QR"},
        registry={"source": "registry", "as_of": record.AT},
    )


def failed(manifest: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    assert validate(manifest) == [], "what is measured is valid"
    quality = measure(manifest)
    return {name: part.failed for name in quality.percents() if (part := getattr(quality, name)).failed}


def changed(path: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(whole())
    *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
    place: Any = manifest
    for key in way:
        place = place[key]
    place[last] = value
    return manifest


def test_a_record_without_fault_has_all_four_at_a_hundred() -> None:
    assert failed(whole()) == {}
    assert measure(whole()).percents() == {"right": 100, "complete": 100, "clean": 100, "alive": 100}


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("proof", {"method": "officer", "officer": "O-1", "at": record.AT}, {"right": ("proof",)}),
        ("old_card", None, {"right": ("old_card",)}),
        ("registry", None, {"right": ("registry",), "alive": ("lookup",)}),
        ("registry.as_of", "2026-02-26T03:00:00Z", {"alive": ("lookup",)}),
        ("subject.mother_name.value", "", {"complete": ("mother_name",)}),
        ("fingers.4", POOR, {"complete": ("right_little", "scored")}),
        ("subject.full_name.value", "Nguyễn  Thị", {"clean": ("spelling.full_name",)}),
        ("subject.full_name.value", "Nguyễn Thị Tòan", {"clean": ("spelling.full_name",)}),
        ("subject.father_name.value", "Nguyễn Văn H0a", {"clean": ("letters.father_name",)}),
        ("subject.ethnicity.value", "Kinhh", {"clean": ("code.ethnicity",)}),
        ("subject.place_of_origin.value", "xã Mẫu, tỉnh Không Có", {"clean": ("code.place_of_origin",)}),
        (
            "subject.residence.value",
            "xã Mẫu, tỉnh Hà Giang",
            {"clean": ("code.residence",), "alive": ("address_table",)},
        ),
        ("portrait.at", "2026-01-02T03:00:00Z", {"alive": ("portrait",)}),
    ],
)
def test_each_fault_is_named_by_its_virtue(path: str, value: Any, found: dict[str, tuple[str, ...]]) -> None:
    assert failed(changed(path, value)) == found


def test_a_picture_that_is_there_twice_is_not_clean() -> None:
    manifest = copy.deepcopy(whole())
    files = manifest["files"]
    files["fingers/left_thumb.png"] = files["fingers/right_thumb.png"]
    assert failed(manifest) == {"clean": ("no_duplicates",)}


def test_what_a_fault_is_called_says_nothing_of_the_person() -> None:
    manifest = changed("subject.full_name.value", "Nguyễn  Bí Mật")
    said = " ".join(name for names in failed(manifest).values() for name in names)
    assert said == "spelling.full_name"


def test_the_tables_have_as_many_names_as_the_law() -> None:
    tables = ("ethnic_groups", "provinces-2008", "provinces-2025")
    assert [len(set(code_table(name).names)) for name in tables] == [54, len(PROVINCES), 34]
    for name in tables:
        assert not any(map(tone_misplaced, code_table(name).names))


WELL = "Nguyễn hòa hoà toàn Huỳnh khuỷu Thúy Thuý quý gì giếng Quốc mười ngoài Huế Phượng rượu nghĩa lúa ủy"
BADLY = "tòan hùynh Nguyêñ Thuỳên tíêng núơc hòan ngòai cuả mưòi gìơ"


@pytest.mark.parametrize("word", WELL.split())
def test_a_tone_mark_in_its_place_is_let_be(word: str) -> None:
    assert not tone_misplaced(word)


@pytest.mark.parametrize("word", BADLY.split())
def test_a_tone_mark_out_of_place_is_found(word: str) -> None:
    assert tone_misplaced(word)
