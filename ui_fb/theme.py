"""How it looks: colours, sizes and fonts.

Screens are laid out in units: a 7-inch 800 × 480 panel has 800 × 480 of them, a 10.1-inch 1280 × 800 panel
800 × 500. A unit is a whole-screen scale, never a millimetre; `Theme.scale` refuses a panel on which a button
of `TARGET` units would be smaller than 20 mm, or a title's capitals lower than 38 px
(EN 301 549: 0.7° at 500 mm).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from PIL import ImageFont, features

from ui_fb.geometry import Size

UNITS_WIDE, UNITS_HIGH = 800, 480
TARGET = 105  # units: the smallest side of anything that is touched
TARGET_MM = 20.0
TITLE = 52  # units of font size; Be Vietnam Pro's capitals are 0.74 of it
CAPITAL_SHARE = 0.74
CAPITAL_PX = 38
PX_PER_MM = {(800, 480): 5.2, (1280, 800): 5.9}


class Weight(StrEnum):
    """The cuts of Be Vietnam Pro that screens use."""

    TEXT = "Medium"
    STRONG = "SemiBold"
    HEAVY = "Bold"


class PanelTooSmall(ValueError):
    """On this panel a finger would not hit what a screen offers; board files name another panel."""


class MissingLayoutEngine(RuntimeError):
    """Pillow found no FriBiDi, so Vietnamese marks would be set wrongly: install Debian's libfribidi0."""

    def __init__(self) -> None:
        super().__init__("Pillow has no raqm text layout: run `apt-get install libfribidi0`")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #RRGGBB. One accent; green, red and yellow only say done, wrong and simulated."""

    ground: str = "#F2F5F8"
    card: str = "#FFFFFF"
    ink: str = "#0F2238"
    quiet: str = "#43546A"
    line: str = "#B9C5D2"
    skin: str = "#DCE4EC"
    accent: str = "#0B57A4"
    accent_soft: str = "#DFECF9"
    on_accent: str = "#FFFFFF"
    good: str = "#17693B"
    good_soft: str = "#DDF1E5"
    alert: str = "#A3191B"
    alert_soft: str = "#FBE6E4"
    strip: str = "#0D2745"
    on_strip: str = "#FFFFFF"
    band: str = "#FFC72C"
    on_band: str = "#1B1500"


@dataclass(frozen=True, slots=True)
class Theme:
    """A look for one board.

    `px_per_mm` is the panel's pixel pitch (None: the usual one). `strict` makes a text that is too
    long an error, as tests want it; else it ends in "…" (a name may be longer than any screen).
    """

    palette: Palette = field(default_factory=Palette)
    px_per_mm: float | None = None
    strict: bool = False

    def scale(self, size: Size) -> float:
        """Return pixels a unit for a panel of `size`; raises PanelTooSmall."""
        scale = min(size[0] / UNITS_WIDE, size[1] / UNITS_HIGH)
        pitch = self.px_per_mm or PX_PER_MM.get(size, 0.0)
        if TARGET * scale < TARGET_MM * pitch:
            raise PanelTooSmall(f"{size[0]}×{size[1]} at {pitch} px/mm: 20 mm do not fit")
        if TITLE * CAPITAL_SHARE * scale < CAPITAL_PX:
            raise PanelTooSmall(f"{size[0]}×{size[1]}: capitals are below {CAPITAL_PX} px")
        return scale


DEFAULT = Theme()


@functools.cache
def font_folder() -> Path:
    """Where the bundled font lies; raises MissingLayoutEngine before the first wrong letter is drawn."""
    if not features.check("raqm"):
        raise MissingLayoutEngine
    from fontpkg_be_vietnam_pro import ROOT  # only now: nothing is loaded at import

    return Path(ROOT) / "files"


@functools.lru_cache(maxsize=128)
def font(weight: Weight, size_px: int) -> ImageFont.FreeTypeFont:
    """Return the font at `size_px`; set with raqm, whatever Pillow's default is."""
    path = font_folder() / f"BeVietnamPro-{weight}.ttf"
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.RAQM)
