"""Icons as shapes (the font has no arrows and no ticks); a drawing function's name is the icon's."""

from __future__ import annotations

import functools

from PIL import Image

from ui_fb.icons import advice, general
from ui_fb.icons.pen import FINE, ICONS, Pen

__all__ = ["ICONS", "advice", "general", "icon_mask"]


@functools.lru_cache(maxsize=256)
def icon_mask(name: str, side_px: int) -> Image.Image:
    """Return an icon's coverage (mode L), `side_px` square; raises KeyError for an unknown name."""
    pen = Pen(side_px)
    ICONS[name](pen)
    return pen.image.reduce(FINE)
