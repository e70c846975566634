"""Where things lie: `Box` in layout units (floats), `Rect` in pixels (integers), `Target` for a tap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rect:
    """Pixels: left, top, width, height."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        return self.x + self.w

    @property
    def bottom(self) -> int:
        return self.y + self.h

    def contains(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom

    def overlaps(self, other: Rect) -> bool:
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )

    def clipped(self, size: Size) -> Rect:
        """Return the part that lies on a screen of `size`; empty (w or h is 0) when none does."""
        left, top = min(max(self.x, 0), size[0]), min(max(self.y, 0), size[1])
        right, bottom = max(min(self.right, size[0]), left), max(min(self.bottom, size[1]), top)
        return Rect(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class Target:
    """A tap inside `rect` means `action`."""

    rect: Rect
    action: str


@dataclass(frozen=True, slots=True)
class Box:
    """Layout units; every verb returns a new box."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    def inset(self, dx: float, dy: float | None = None) -> Box:
        dy = dx if dy is None else dy
        return Box(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def take_left(self, width: float, gap: float = 0) -> tuple[Box, Box]:
        """Cut `width` off the left: (piece, rest)."""
        rest = Box(self.x + width + gap, self.y, self.w - width - gap, self.h)
        return Box(self.x, self.y, width, self.h), rest

    def take_right(self, width: float, gap: float = 0) -> tuple[Box, Box]:
        """Cut `width` off the right: (piece, rest)."""
        rest = Box(self.x, self.y, self.w - width - gap, self.h)
        return Box(self.right - width, self.y, width, self.h), rest

    def take_top(self, height: float, gap: float = 0) -> tuple[Box, Box]:
        """Cut `height` off the top: (piece, rest)."""
        rest = Box(self.x, self.y + height + gap, self.w, self.h - height - gap)
        return Box(self.x, self.y, self.w, height), rest

    def take_bottom(self, height: float, gap: float = 0) -> tuple[Box, Box]:
        """Cut `height` off the bottom: (piece, rest)."""
        rest = Box(self.x, self.y, self.w, self.h - height - gap)
        return Box(self.x, self.bottom - height, self.w, height), rest

    def columns(self, shares: int | Sequence[float], gap: float = 0) -> list[Box]:
        """Split side by side: into equal columns, or by shares of the width."""
        parts = [1.0] * shares if isinstance(shares, int) else list(shares)
        unit = (self.w - gap * (len(parts) - 1)) / sum(parts)
        boxes, x = [], self.x
        for part in parts:
            boxes.append(Box(x, self.y, part * unit, self.h))
            x += part * unit + gap
        return boxes

    def rows(self, shares: int | Sequence[float], gap: float = 0) -> list[Box]:
        """Split one below the other: into equal rows, or by shares of the height."""
        parts = [1.0] * shares if isinstance(shares, int) else list(shares)
        unit = (self.h - gap * (len(parts) - 1)) / sum(parts)
        boxes, y = [], self.y
        for part in parts:
            boxes.append(Box(self.x, y, self.w, part * unit))
            y += part * unit + gap
        return boxes

    def centred(self, w: float, h: float) -> Box:
        """Return a box of this size in the middle of it."""
        return Box(self.x + (self.w - w) / 2, self.y + (self.h - h) / 2, w, h)
