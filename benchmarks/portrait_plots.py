"""The portrait's plots for docs/benchmarks.md, drawn with Pillow into docs/figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from benchmarks.booth import Moment

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "figures"
POSE, NIGHT = FOLDER / "portrait-pose.png", FOLDER / "portrait-night.png"
PLOTS = {
    POSE: "Measured over set pose of four made-up people; the grey band is ±3°. Simulated.",
    NIGHT: "Lamps (left, right), gain and exposure from the first frame to the burst, by lux of the room. "
    "Simulated.",
}
SIZE, LEFT, TOP, RIGHT, BOTTOM = (300, 280), 46, 34, 14, 36
INK, QUIET, BAND, LINES = "#1B2A38", "#8A97A4", "#E4E9EE", ("#1F5FA8", "#C4561B", "#2B8A57", "#8E44AD")


@dataclass(frozen=True, slots=True)
class Axes:
    """One panel: data coordinates to pixels."""

    draw: ImageDraw.ImageDraw
    left: int
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        wide, high = SIZE[0] - LEFT - RIGHT, SIZE[1] - TOP - BOTTOM
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + LEFT + across * wide, TOP + (1 - up) * high

    def frame(self, title: str, x_name: str, ticks: int = 4) -> None:
        font = ImageFont.load_default(13)
        self.draw.text((self.left + LEFT, 8), title, INK, font)
        for n in range(ticks + 1):
            x, y = (low + (high - low) * n / ticks for low, high in (self.x, self.y))
            self.draw.line((self.at(self.x[0], y), self.at(self.x[1], y)), BAND)
            self.draw.text((self.left + 6, self.at(x, y)[1] - 8), f"{y:g}", QUIET, font)
            self.draw.text((self.at(x, y)[0] - 8, SIZE[1] - BOTTOM + 4), f"{x:.3g}", QUIET, font)
        self.draw.text((self.at(self.x[0], 0)[0], SIZE[1] - 18), x_name, QUIET, font)

    def line(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        self.draw.line([self.at(*point) for point in points], colour, 2)

    def dot(self, x: float, y: float, colour: str) -> None:
        px, py = self.at(x, y)
        self.draw.ellipse((px - 2.5, py - 2.5, px + 2.5, py + 2.5), colour)


def plot_pose(points: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """`points`: axis → (set, measured) degrees."""

    def panel(draw: ImageDraw.ImageDraw, left: int, name: str) -> None:
        axes = Axes(draw, left, (-24, 24), (-24, 24))
        axes.frame(f"{name}, degrees", "set", 4)
        corners = [axes.at(x, y) for x, y in ((-21, -24), (21, 18), (21, 24), (-21, -18))]
        draw.polygon(corners, BAND)
        axes.line(((-24, -24), (24, 24)), QUIET)
        for wanted, found in points[name]:
            axes.dot(wanted, found, LINES[0])

    _save(POSE, list(points), panel)


def plot_night(visits: Mapping[int, Sequence[Moment]]) -> None:
    """One panel a lux: lamps in thirds, gain, exposure in 10 ms."""
    longest = max(each[-1].at_s for each in visits.values())

    def panel(draw: ImageDraw.ImageDraw, left: int, name: int) -> None:
        axes = Axes(draw, left, (0, max(0.5, longest)), (0, 16))
        axes.frame(f"{name} lux", "seconds", 4)
        series: tuple[tuple[str, Callable[[Moment], float]], ...] = (
            ("gain", lambda m: m.gain),
            ("lamps, thirds", lambda m: sum(m.lamps) * 1.5),
            ("exposure, ms / 2", lambda m: m.exposure_us / 2000),
        )
        for number, ((label, value), colour) in enumerate(zip(series, LINES, strict=False)):
            axes.line([(moment.at_s, value(moment)) for moment in visits[name]], colour)
            draw.text((left + LEFT + 90, TOP + 2 + 15 * number), label, colour, ImageFont.load_default(12))

    _save(NIGHT, list(visits), panel)


def _save(path: Path, names: Sequence[Any], panel: Callable[[ImageDraw.ImageDraw, int, Any], None]) -> None:
    picture = Image.new("RGB", (SIZE[0] * len(names), SIZE[1]), "white")
    draw = ImageDraw.Draw(picture)
    for number, name in enumerate(names):
        panel(draw, number * SIZE[0], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(32).save(path, optimize=True)
