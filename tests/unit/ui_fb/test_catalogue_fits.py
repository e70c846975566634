"""Whatever the error catalogue says can be read on the screens that show it."""

from __future__ import annotations

import pytest

from config.catalogue import Entry, areas
from ui_fb.screens import Explain, SwapStopped
from ui_fb.theme import PX_PER_MM, Theme

STRICT = Theme(strict=True)
ENTRIES = [pytest.param(entry, id=entry.code) for area in areas() for entry in area.entries]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_cause_and_remedy_fits(entry: Entry, language: str) -> None:
    cause, remedy = getattr(entry.cause, language), getattr(entry.remedy, language)
    for size in PX_PER_MM:
        for kind in (Explain, SwapStopped):
            shown = kind(cause=cause, remedy=remedy, error=entry.code, language=language)
            shown.targets(size, STRICT)  # raises TextDoesNotFit
