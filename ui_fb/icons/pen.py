"""What icons are drawn with: shapes on a grid of 24 × 24, drawn fine and reduced to smooth coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

GRID = 24
FINE = 4
Points = Sequence[tuple[float, float]]


class Pen:
    """Draws coverage on the grid; `cut` takes away again."""

    def __init__(self, side_px: int) -> None:
        self.unit = side_px * FINE / GRID
        self.image = Image.new("L", (side_px * FINE, side_px * FINE))
        self.draw = ImageDraw.Draw(self.image)

    def _at(self, *values: float) -> list[float]:
        return [value * self.unit for value in values]

    def line(self, *points: tuple[float, float], thick: float = 2.4, ink: int = 255) -> None:
        flat = [(x * self.unit, y * self.unit) for x, y in points]
        self.draw.line(flat, fill=ink, width=round(thick * self.unit), joint="curve")
        for x, y in (points[0], points[-1]):
            self.disc(x, y, thick / 2, ink)

    def disc(self, x: float, y: float, r: float, ink: int = 255) -> None:
        self.draw.ellipse(self._at(x - r, y - r, x + r, y + r), fill=ink)

    def ring(self, x: float, y: float, r: float, thick: float = 2.2) -> None:
        self.draw.ellipse(self._at(x - r, y - r, x + r, y + r), outline=255, width=round(thick * self.unit))

    def oval(self, x0: float, y0: float, x1: float, y1: float, thick: float = 2.2) -> None:
        self.draw.ellipse(self._at(x0, y0, x1, y1), outline=255, width=round(thick * self.unit))

    def arc(self, x: float, y: float, r: float, start: float, end: float, thick: float = 2.2) -> None:
        box = self._at(x - r, y - r, x + r, y + r)
        self.draw.arc(box, start, end, fill=255, width=round(thick * self.unit))

    def box(self, x0: float, y0: float, x1: float, y1: float, radius: float = 2, thick: float = 2.2) -> None:
        self.draw.rounded_rectangle(
            self._at(x0, y0, x1, y1), radius * self.unit, outline=255, width=round(thick * self.unit)
        )

    def solid(self, x0: float, y0: float, x1: float, y1: float, radius: float = 0, ink: int = 255) -> None:
        self.draw.rounded_rectangle(self._at(x0, y0, x1, y1), radius * self.unit, fill=ink)

    def polygon(self, *points: tuple[float, float], ink: int = 255) -> None:
        self.draw.polygon([(x * self.unit, y * self.unit) for x, y in points], fill=ink)


Drawing = Callable[[Pen], None]
ICONS: dict[str, Drawing] = {}


def icon(draw: Drawing) -> Drawing:
    """Make a drawing known by its function's name."""
    ICONS[draw.__name__.removeprefix("_")] = draw
    return draw
