"""The live picture lands where the screen left room, without a redraw of text."""

from __future__ import annotations

import numpy as np
import pytest

from ui_fb.display import MemoryDisplay
from ui_fb.geometry import Rect
from ui_fb.preview import Preview
from ui_fb.screens import Fingers, Portrait
from ui_fb.words import LANGUAGES

SIZE = (800, 480)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_frame_is_blitted_into_its_rect_and_touches_nothing_else(language: str) -> None:
    screen = Portrait(language=language)
    live = screen.preview(SIZE)
    assert live
    assert live.rect == screen.preview_rect(SIZE)
    display = MemoryDisplay(SIZE)
    display.show(screen.render(SIZE))
    before = np.asarray(display.snapshot()[1])
    display.blit(live.rect, live.fit(np.full((480, 640, 3), 200, np.uint8)))
    after = np.asarray(display.snapshot()[1])
    rows, columns = np.nonzero((before != after).any(axis=2))
    assert rows.min() >= live.rect.y
    assert rows.max() < live.rect.bottom
    assert columns.min() >= live.rect.x
    assert columns.max() < live.rect.right


def test_a_portrait_is_a_mirror_and_a_still_is_not() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, 320:] = 255
    rect = Rect(0, 0, 200, 240)
    mirror, still = (Preview(rect, kind).fit(frame) for kind in ("portrait", "still"))
    assert mirror[120, 60].mean() > 200 > 50 > mirror[120, 140].mean()
    assert still[120, 10].mean() < 50 < 200 < still[120, 190].mean()


def test_a_finger_is_shown_whole_on_white_whatever_its_shape() -> None:
    shown = Preview(Rect(0, 0, 200, 240), "finger").fit(np.zeros((100, 300), np.uint8))
    assert shown.shape == (240, 200, 3)
    assert shown[0, 0].tolist() == [255, 255, 255]
    assert shown[120, 100].tolist() == [0, 0, 0]


def test_a_screen_without_a_frame_leaves_the_place_empty_rather_than_showing_an_old_one() -> None:
    screen = next(iter(Fingers.examples().values()))
    live = screen.preview_rect(SIZE)
    assert live
    part = screen.render(SIZE).crop((live.x, live.y, live.right, live.bottom))
    assert len(part.getcolors() or []) == 1
