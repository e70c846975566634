"""A screen is a frozen value: what it shows is its fields, what can be touched follows from them.

```python
picture = Attract(simulated=True).render((800, 480))
action = screen.hit(x, y, (800, 480))          # "start", "digit:5", None
```
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from PIL import Image

from ui_fb.geometry import Rect, Size, Target
from ui_fb.page import Frame, Page
from ui_fb.preview import Preview
from ui_fb.theme import DEFAULT, Theme

__all__ = ["Preview", "Rect", "Screen", "Size", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen(ABC):
    """What every screen has: language, whether the station is virtual, step `step` of `steps` (0: none).

    `error` (E-214) is what a person reads out on the telephone; it stands small in a corner.
    """

    language: str = "vi"
    simulated: bool = False
    step: int = 0
    steps: int = 0
    error: str = ""

    @abstractmethod
    def compose(self, page: Page) -> None:
        """Lay the screen out on `page`; called for drawing and for finding targets alike."""

    @classmethod
    @abstractmethod
    def examples(cls) -> Mapping[str, Self]:
        """Named examples in the first language, one for each look that the screen can take."""

    def render(self, size: Size, theme: Theme = DEFAULT, preview: Image.Image | None = None) -> Image.Image:
        """Return the screen as an RGB picture of `size` pixels.

        `preview` stands in for the live picture (galleries); a running kiosk blits that over `preview_rect`.
        Raises PanelTooSmall, and on a strict theme TextDoesNotFit.
        """
        page = self._page(size, theme, preview, visible=True)
        assert page.canvas is not None  # noqa: S101 - a visible page has one
        return page.canvas.image

    def targets(self, size: Size, theme: Theme = DEFAULT) -> tuple[Target, ...]:
        """Return what can be touched, the later above the earlier."""
        return tuple(self._page(size, theme, None, visible=False).targets)

    def hit(self, x: float, y: float, size: Size, theme: Theme = DEFAULT) -> str | None:
        """Return the action under a tap at pixel (x, y)."""
        for target in reversed(self.targets(size, theme)):
            if target.rect.contains(x, y):
                return target.action
        return None

    def preview_rect(self, size: Size, theme: Theme = DEFAULT) -> Rect | None:
        """Return where the live camera or finger picture belongs, or None on a screen without one."""
        live = self.preview(size, theme)
        return live.rect if live else None

    def preview(self, size: Size, theme: Theme = DEFAULT) -> Preview | None:
        """Return how a live frame becomes the pixels for `preview_rect`, or None on a screen without one."""
        return self._page(size, theme, None, visible=False).live

    def _page(self, size: Size, theme: Theme, preview: Image.Image | None, *, visible: bool) -> Page:
        frame = Frame(self.language, self.simulated, self.step, self.steps, self.error)
        page = Page(size, theme, frame, preview, visible)
        self.compose(page)
        return page
