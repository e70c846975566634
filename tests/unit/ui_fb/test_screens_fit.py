"""No text overflows or overlaps, no target is small or covers another: both panels, both languages."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from ui_fb.gallery import Example, gallery
from ui_fb.page import Frame, Page
from ui_fb.screen import Screen
from ui_fb.screens import Attract, Confirm, Review, StillThere
from ui_fb.text import TextDoesNotFit
from ui_fb.theme import PX_PER_MM, TARGET_MM, PanelTooSmall, Theme

STRICT = Theme(strict=True)
SIZES = tuple(PX_PER_MM)
WHOLE_SCREEN = (Attract, StillThere)  # their large target lies under their buttons on purpose
EXAMPLES = [pytest.param(example, id=example.name) for example in gallery()]


def felt(screen: Screen, size: tuple[int, int]) -> Page:
    page = Page(size, STRICT, Frame(screen.language, True, 3, 9), None, visible=False)
    screen.compose(page)
    return page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_text_fits_its_box_and_no_two_boxes_overlap(example: Example, size: tuple[int, int]) -> None:
    page = felt(example.screen, size)  # raises TextDoesNotFit
    for ink in page.inks:
        assert ink.clipped(size) == ink
    for one, other in itertools.combinations(page.inks, 2):
        assert not one.overlaps(other), (one, other)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_target_is_a_finger_wide_and_apart_from_the_others(
    example: Example, size: tuple[int, int]
) -> None:
    least = TARGET_MM * PX_PER_MM[size]
    targets = example.screen.targets(size)
    for target in targets:
        assert target.rect.clipped(size) == target.rect, target
        assert min(target.rect.w, target.rect.h) >= least - 1, target
    if not isinstance(example.screen, WHOLE_SCREEN):
        for one, other in itertools.combinations(targets, 2):
            assert not one.rect.overlaps(other.rect), (one, other)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_live_picture_covers_no_target_and_no_text(example: Example) -> None:
    page = felt(example.screen, SIZES[0])
    if page.live:
        assert not any(page.live.rect.overlaps(target.rect) for target in page.targets)
        assert not any(page.live.rect.overlaps(ink) for ink in page.inks)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_real_station_has_the_same_targets_as_a_virtual_one(example: Example) -> None:
    real = dataclasses.replace(example.screen, simulated=False)
    assert real.targets(SIZES[0]) == example.screen.targets(SIZES[0])


def test_help_lies_in_the_same_corner_of_every_screen_that_offers_it() -> None:
    places = {
        target.rect
        for example in gallery()
        for target in example.screen.targets(SIZES[0])
        if target.action == "help"
    }
    assert len(places) == 1


def test_the_frame_says_simulated_on_every_virtual_screen() -> None:
    theme = Theme()
    for example in gallery(("vi",)):
        assert example.screen.render(SIZES[0], theme).getpixel((400, 2)) == (0xFF, 0xC7, 0x2C), example.name
    real = dataclasses.replace(Attract(), simulated=False)
    assert real.render(SIZES[0]).getpixel((400, 2)) != (0xFF, 0xC7, 0x2C)


def test_a_name_longer_than_the_screen_ends_in_an_ellipsis_and_stops_nobody() -> None:
    screen = Confirm(full_name="Nguyễn " * 40, number="001 085 012 345")
    screen.render(SIZES[0])
    with pytest.raises(TextDoesNotFit):
        screen.render(SIZES[0], STRICT)


def test_a_tap_means_what_its_place_shows() -> None:
    review = next(iter(Review.examples().values()))
    for target in review.targets(SIZES[0]):
        middle = (target.rect.x + target.rect.w // 2, target.rect.y + target.rect.h // 2)
        assert review.hit(*middle, SIZES[0]) == target.action
    assert review.hit(400, 5, SIZES[0]) is None


def test_the_whole_greeting_starts_except_the_help_button() -> None:
    assert Attract().hit(400, 200, SIZES[0]) == "start"
    assert Attract().hit(60, 420, SIZES[0]) == "help"


def test_a_panel_on_which_a_finger_would_not_hit_is_refused() -> None:
    with pytest.raises(PanelTooSmall, match="20 mm"):
        Attract().render((800, 480), Theme(px_per_mm=7.3))
    with pytest.raises(PanelTooSmall):
        Attract().render((480, 320))
