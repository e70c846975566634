from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.reasons import ROOT, given

from config import catalogue
from config.catalogue import Entry, areas, code_of, entry, page, read_areas
from config.load import ConfigError

PINNED = Path(__file__).parent / "codes.txt"
GOOD = """area = { vi = "Vùng", en = "Area" }

[E-101]
reason = "lost_finger"
cause = { vi = "Vì.", en = "Because." }
remedy = { vi = "Làm.", en = "Do." }
"""


def entries() -> list[Entry]:
    return [each for area in areas() for each in area.entries]


def told() -> dict[str, str]:
    return {reason: each.code for each in entries() for reason in each.reasons}


def test_every_reason_of_the_product_has_a_code() -> None:
    untold = given() - set(told())
    assert not untold, "write them into config/errors"


def test_every_code_is_of_a_reason_that_somebody_gives() -> None:
    unknown = set(told()) - given()
    assert not unknown, "nobody gives these reasons: they go, with their codes"


def test_a_code_never_changes_its_meaning() -> None:
    lines = [line.split() for line in PINNED.read_text().splitlines()]
    pinned = {reason: code for code, reason in lines}
    moved = {reason: code for reason, code in pinned.items() if told().get(reason) != code}
    assert not moved, "a code that was given stays with its reason"
    unpinned = set(told()) - set(pinned)
    assert not unpinned, f"pin the new ones in {PINNED.name}"


def test_both_languages_say_something_of_their_own() -> None:
    for each in entries():
        for text in (each.cause, each.remedy):
            assert text.vi != text.en, each.code
            assert "{" not in text.vi + text.en, each.code
        assert re.search("[^\x00-\x7f]", each.cause.vi), f"{each.code}: Vietnamese without a mark"
        assert not re.search("[^\x00-\x7f]", each.cause.en + each.remedy.en), each.code


def test_the_page_in_docs_is_the_data() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == page(), "python -m config.catalogue > docs/errors.md"


@pytest.mark.parametrize("said", ["E-202", "e-202", "E202", "202", " 202 ", "disk_full"])
def test_a_code_is_found_however_it_is_read_out(said: str) -> None:
    found = entry(said)
    assert found is not None and (found.code, found.reason) == ("E-202", "disk_full")


@pytest.mark.parametrize("said", ["", "E-999", "999", "2020", "no such thing", "E-２０２"])
def test_what_is_no_code_is_none(said: str) -> None:
    assert entry(said) is None


@pytest.mark.parametrize("reason", ["", None, "asked", "left"])
def test_a_person_who_only_asked_for_help_gets_no_code(reason: str | None) -> None:
    assert code_of(reason) == ""


def test_nothing_is_read_before_it_is_asked_for() -> None:
    catalogue._index.cache_clear()
    assert catalogue._index.cache_info().currsize == 0
    assert code_of("disk_full") == "E-202"
    assert catalogue._index.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("E-101", "E-201", "a code of this file is E-1"),
        ("E-101", "E-1", "a code of this file is E-1"),
        ('"lost_finger"', '"Lost Finger"', "must be a key"),
        ('"Because."', '"Because"', "whole sentences"),
        ('"Because."', '""', "whole sentences"),
        ('"Because."', f'"{"x" * 240}."', "at most 240"),
        ('vi = "Vì.", ', "", "missing: vi"),
        ("remedy", "cure", "unknown table [cure]"),
        ('"lost_finger"', '"lost_finger"\nalso = ["lost_finger"]', "has two codes"),
        ("[E-101]", "[E-102]\nreason = 'x'\ncause = 1\n[E-101]", "must be a table"),
    ],
)
def test_a_catalogue_that_is_not_whole_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    (tmp_path / "1-area.toml").write_text(GOOD)
    assert len(read_areas(tmp_path)) == 1
    (tmp_path / "1-area.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=re.escape(says)):
        read_areas(tmp_path)


def test_codes_rise_within_a_file(tmp_path: Path) -> None:
    again = GOOD.split("\n\n", 1)[1].replace("lost_finger", "lost_camera")
    (tmp_path / "1-area.toml").write_text(GOOD.replace("E-101", "E-102") + again)
    with pytest.raises(ConfigError, match="must rise"):
        read_areas(tmp_path)
