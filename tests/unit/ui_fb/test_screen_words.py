"""The catalogues say the same things, and nothing that no screen says."""

from __future__ import annotations

import string
import unicodedata

import pytest

from ui_fb.gallery import gallery
from ui_fb.theme import Weight, font
from ui_fb.words import FOLDER, LANGUAGES, Catalogue, words


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_has_the_same_keys_with_the_same_fields() -> None:
    first = words(LANGUAGES[0]).texts
    for language in LANGUAGES[1:]:
        other = words(language).texts
        assert set(first) == set(other)
        for key in first:
            assert fields(first[key]) == fields(other[key]), key


def test_every_catalogue_file_is_a_language() -> None:
    assert {file.stem for file in FOLDER.glob("*.toml")} == set(LANGUAGES)


def test_every_text_is_said_by_some_example(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"frame.station"}  # a real station's strip; examples are virtual
    say = Catalogue.say

    def listening(self: Catalogue, key: str, **values: str | int) -> str:
        said.add(key)
        return say(self, key, **values)

    monkeypatch.setattr(Catalogue, "say", listening)
    for example in gallery(("vi",)):
        example.screen.targets((800, 480))
        example.screen.render((800, 480))
    said |= {"frame.step", "frame.simulated"}  # cached with the frame
    assert set(words("vi").texts) == said


def test_every_letter_is_in_the_font_and_composed() -> None:
    drawn = font(Weight.TEXT, 32)
    absent = bytes(drawn.getmask("\uffff"))
    for language in LANGUAGES:
        for key, text in words(language).texts.items():
            assert unicodedata.is_normalized("NFC", text), key
            for letter in set(text) - set(" \n\N{NO-BREAK SPACE}"):
                assert bytes(drawn.getmask(letter)) != absent, (key, letter)


def test_an_unknown_key_a_missing_field_and_an_unknown_language_are_errors() -> None:
    with pytest.raises(KeyError):
        words("vi").say("attract.nothing")
    with pytest.raises(KeyError):
        words("vi").say("frame.step", step=1)
    with pytest.raises(ValueError, match="vi, en"):
        words("fr")
