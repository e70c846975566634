"""The face of the kiosk: draws a view when it changed, blits previews, finds what a tap means."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware.presenter import View, present
from statemachine.states import S
from ui_fb.display import Display
from ui_fb.screen import Preview, Screen
from ui_fb.theme import DEFAULT, Theme


class Face:
    """Owned by the loop's thread. `last` is the screen that shows now."""

    def __init__(self, display: Display, theme: Theme = DEFAULT) -> None:
        self._display, self._theme = display, theme
        self.last: Screen | None = None
        self._live: Preview | None = None
        self._frame: Any = None

    @property
    def size(self) -> tuple[int, int]:
        return self._display.size

    def show(self, view: View) -> bool:
        """Draw the screen of `view`; the same screen again costs nothing. True when it was drawn."""
        screen = present(view)
        if screen == self.last:
            return False
        if type(screen) is not type(self.last):
            self._frame = None
        self.last = screen
        self._live = screen.preview(self.size, self._theme)
        self._display.show(screen.render(self.size, self._theme))
        if view.state is S.CONFIRM and view.visit.portrait:
            self.preview(_picture(view.visit.portrait))
        elif self._frame is not None and self._live is not None:
            self._blit(self._frame)
        return True

    def preview(self, pixels: Any) -> None:
        """Put a live frame, grey or BGR, where the screen has its place for it."""
        if self._live is not None:
            self._frame = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[:, :, ::-1])
            self._blit(self._frame)

    def hit(self, x: float, y: float) -> str | None:
        return self.last.hit(x, y, self.size, self._theme) if self.last else None

    def close(self) -> None:
        self._display.close()

    def _blit(self, frame: Any) -> None:
        if self._live is not None:
            self._display.blit(self._live.rect, self._live.fit(frame))


def _picture(jp2: bytes) -> Any:
    """The portrait of the record as BGR pixels."""
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(jp2)).convert("RGB"))[:, :, ::-1]
