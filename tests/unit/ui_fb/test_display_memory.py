"""The memory display stands for a panel."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from ui_fb.display import MemoryDisplay
from ui_fb.geometry import Rect

SIZE = (80, 48)


def test_changes_are_counted_and_a_snapshot_is_a_copy() -> None:
    display = MemoryDisplay(SIZE)
    display.show(Image.new("RGB", SIZE, "#FF0000"))
    display.blit(Rect(2, 3, 4, 5), np.full((5, 4, 3), 9, np.uint8))
    count, seen = display.snapshot()
    display.close()
    assert count == 2
    assert seen.getpixel((2, 3)) == (9, 9, 9)
    assert seen.getpixel((0, 0)) == (255, 0, 0)
    assert display.snapshot()[1].getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize("rect", [Rect(78, 0, 4, 5), Rect(-1, 0, 4, 5), Rect(0, 46, 4, 5)])
def test_a_blit_beside_the_screen_is_refused(rect: Rect) -> None:
    with pytest.raises(ValueError, match="not on a display"):
        MemoryDisplay(SIZE).blit(rect, np.zeros((5, 4, 3), np.uint8))


def test_pixels_of_another_shape_and_pictures_of_another_size_are_refused() -> None:
    display = MemoryDisplay(SIZE)
    with pytest.raises(ValueError, match="pixels"):
        display.blit(Rect(0, 0, 4, 4), np.zeros((5, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="picture"):
        display.show(Image.new("RGB", (81, 48)))


def test_a_snapshot_from_another_thread_never_shows_half_a_picture() -> None:
    display = MemoryDisplay(SIZE)
    torn: list[int] = []

    def look() -> None:
        for _ in range(200):
            torn.append(len(display.snapshot()[1].getcolors() or []) - 1)

    reader = threading.Thread(target=look)
    reader.start()
    for level in range(200):
        display.show(Image.new("RGB", SIZE, (level, level, level)))
    reader.join(10)
    assert set(torn) == {0}


def test_who_waits_for_a_change_hears_of_it_from_another_thread() -> None:
    display = MemoryDisplay(SIZE)
    assert not display.wait_change(0, 0)
    drawing = threading.Thread(target=display.show, args=(Image.new("RGB", SIZE),))
    drawing.start()
    assert display.wait_change(0, 10)
    drawing.join()
    assert display.changes == 1


def test_nobody_waits_for_a_closed_display() -> None:
    display = MemoryDisplay(SIZE)
    display.close()
    assert not display.wait_change(display.changes, 1000)
