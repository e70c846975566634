"""Text: NFC, wrapping, shrinking, contrast, and no trace of a person in a cache."""

from __future__ import annotations

import unicodedata

import pytest
from PIL import features

from ui_fb import theme
from ui_fb.screens import Confirm
from ui_fb.text import Wanted, fit, fit_again, mask_again, nfc, wrap
from ui_fb.theme import MissingLayoutEngine, Palette, Weight

WANTED = Wanted(Weight.TEXT, 40, 20, lines=2)


def test_decomposed_vietnamese_is_drawn_composed() -> None:
    name = "Nguyễn Thị Phương Thảo"
    assert nfc(unicodedata.normalize("NFD", name)) == name


def test_text_wraps_before_it_shrinks_and_lines_are_about_equally_long() -> None:
    fitted = fit("Mời ông bà đặt ngón tay lên mặt kính", 450, 120, WANTED, strict=True)
    assert fitted.size_px == 40
    assert len(fitted.lines) == 2
    assert abs(len(fitted.lines[0]) - len(fitted.lines[1])) <= 6


def test_text_that_is_too_long_at_its_smallest_is_cut_within_its_box() -> None:
    fitted = fit("rất dài " * 40, 300, 60, WANTED, strict=False)
    assert fitted.cut
    assert fitted.lines[-1].endswith("…")
    assert fitted.height_px <= 60


def test_a_tied_word_is_not_broken() -> None:
    lines = wrap("cán\N{NO-BREAK SPACE}bộ cán\N{NO-BREAK SPACE}bộ", 90, Weight.TEXT, 32)
    assert lines == ["cán\N{NO-BREAK SPACE}bộ"] * 2


def test_what_a_person_is_called_stays_in_no_cache() -> None:
    Confirm(full_name="Nguyễn Văn Một", number="001 085 012 345").render((800, 480))  # fills the words
    before = (fit_again.cache_info().currsize, mask_again.cache_info().currsize)
    Confirm(full_name="Trần Thị Hai", number="079 301 543 210").render((800, 480))
    assert (fit_again.cache_info().currsize, mask_again.cache_info().currsize) == before


def test_a_missing_layout_engine_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(MissingLayoutEngine, match="libfribidi0"):
        theme.font_folder.__wrapped__()


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("ink", "ground", "least"),  # WCAG 2.2: AAA 7, AA 4.5
    [
        ("ink", "ground", 7),
        ("ink", "card", 7),
        ("ink", "accent_soft", 7),
        ("quiet", "ground", 7),
        ("quiet", "card", 7),
        ("on_band", "band", 7),
        ("on_strip", "strip", 7),
        ("on_accent", "accent", 4.5),
        ("accent", "card", 4.5),
        ("accent", "accent_soft", 4.5),
        ("good", "good_soft", 4.5),
        ("alert", "alert_soft", 4.5),
        ("on_accent", "alert", 4.5),
    ],
)
def test_ink_stands_out_from_its_ground(ink: str, ground: str, least: float) -> None:
    light, dark = sorted((luminance(getattr(Palette(), name)) for name in (ink, ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= least
