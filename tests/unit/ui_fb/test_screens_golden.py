"""Every screen × example × language looks as its picture in git (`make screens` refreshes them)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ui_fb.gallery import Example, gallery, small, write

GOLDEN = Path(__file__).parent / "golden"
LEVELS = 40  # a channel that differs by more is a difference; smoothing may round differently elsewhere
PIXELS = 40  # that many of them are allowed: less than one letter
BUDGET = 6_400_000


def differing(one: Image.Image, other: Image.Image) -> int:
    a, b = (np.asarray(p.convert("RGB"), np.int16) for p in (one, other))
    return int((np.abs(a - b).max(axis=2) > LEVELS).sum())


@pytest.mark.parametrize("example", [pytest.param(e, id=e.name) for e in gallery()])
def test_a_screen_looks_as_it_did(example: Example) -> None:
    golden = GOLDEN / f"{example.name}.png"
    actual = small(example.picture())
    if golden.is_file() and differing(actual, Image.open(golden)) <= PIXELS:
        return
    kept = Path(tempfile.gettempdir()) / "kiosk-screens" / golden.name
    kept.parent.mkdir(exist_ok=True)
    actual.save(kept)
    pytest.fail(f"{example.name} looks different: compare {kept} with {golden}; `make screens` accepts it")


def test_no_golden_picture_is_left_over_and_all_together_are_small() -> None:
    files = list(GOLDEN.glob("*.png"))
    assert {file.stem for file in files} == {example.name for example in gallery()}
    assert sum(file.stat().st_size for file in files) < BUDGET


def test_one_changed_word_is_a_difference() -> None:
    first, second = list(gallery(("vi", "en")))[4:6]
    assert differing(first.picture(), second.picture()) > PIXELS


def test_the_gallery_has_a_page_that_shows_every_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = list(gallery(("vi",)))[:3]
    monkeypatch.setattr("ui_fb.gallery.gallery", lambda: iter(few))
    (tmp_path / "old-screen-vi.png").touch()
    assert write(tmp_path) == 3
    page = (tmp_path / "index.html").read_text("utf-8")
    assert {f.stem for f in tmp_path.glob("*.png")} == {e.name for e in few}
    assert all(f'src="{e.name}.png"' in page for e in few)
