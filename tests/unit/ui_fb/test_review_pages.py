"""REVIEW shows each field, however many there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui_fb.screens import FieldRow, Review, pages_of
from ui_fb.theme import Theme
from ui_fb.words import words

FIELDS = [key.removeprefix("field.") for key in words("vi").texts if key.startswith("field.")]


@given(st.lists(st.sampled_from(FIELDS), unique=True))
def test_every_field_is_on_exactly_one_page_in_its_order(keys: list[str]) -> None:
    rows = [FieldRow(key, "x") for key in keys]
    assert [row for page in pages_of(rows) for row in page] == rows


@pytest.mark.parametrize("language", ["vi", "en"])
@given(keys=st.permutations(FIELDS))
def test_every_page_can_be_drawn_and_each_of_its_fields_marked(language: str, keys: list[str]) -> None:
    for rows in pages_of([FieldRow(key, "Việt Nam") for key in keys]):
        targets = Review(rows=rows, language=language).targets((800, 480), Theme(strict=True))
        assert {f"wrong:{row.key}" for row in rows} <= {target.action for target in targets}
