"""What stands before the virtual camera, as linear light: a plain wall, people, or a picture held up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from drivers.api import Pixels
from drivers.virtual.sitter import Seat
from drivers.virtual.sitter_figure import Layer, figure
from drivers.virtual.sitter_paint import Look
from drivers.virtual.sitter_shape import Floats

WALL = (0.66, 0.68, 0.69)  # linear BGR reflectance: light, plain, a little warm
BACKDROPS = {"plain": WALL, "blue": (0.62, 0.42, 0.30), "dark": (0.05, 0.05, 0.05), "busy": (0.3, 0.4, 0.5)}
WALL_LIGHTS = (1.0, 0.82, 0.82, 0.6)
EYE_SHARE = 0.156  # eye distance in parts of the frame's height, at distance 1.0
EYE_LINE = 0.45
PICTURE_SHARE = 0.72  # how much of the frame's height a picture held up fills


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """`albedo` (h, w, 3) linear BGR and `lights` (h, w, 4): room, left lamp, right lamp, window.

    `behind` (h, w) is 1 where the wall is seen, 0 on people and pictures.
    """

    albedo: Floats
    lights: Floats
    behind: Floats
    smear: float = 0.0

    def bands(self, rows: int) -> Iterator[Scene]:
        """Yield the scene in bands of so many rows, from the top."""
        for top in range(0, len(self.albedo), rows):
            part = slice(top, top + rows)
            yield Scene(self.albedo[part], self.lights[part], self.behind[part])

    def coarse(self, step: int) -> Scene:
        """Return every `step`-th point of the middle half, as a light meter sees the scene."""
        part = (slice(len(self.albedo) // 4, -(len(self.albedo) // 4), step), slice(None, None, step))
        return Scene(self.albedo[part].copy(), self.lights[part].copy(), self.behind[part].copy())

    def lit(self, mix: Floats, on_wall: float = 0.0) -> Floats:
        """Return (h, w, 3) the light that comes back; `mix` (3, 4): B, G, R of each source."""
        shade = np.asarray(cv2.transform(self.lights, mix), np.float32)
        if on_wall > 0:
            shade = shade + np.float32(on_wall) * self.behind[..., None]
        return np.asarray(cv2.multiply(self.albedo, shade), np.float32)


def people(seats: Sequence[Seat], size: tuple[int, int], backdrop: str = "plain") -> Scene:
    """Return the wall with everybody before it, the farthest first; `size` is (width, height)."""
    scene = wall(size, backdrop)
    smear = 0.0
    for seat in seats:
        eye_px = EYE_SHARE * size[1] / seat.distance
        middle = (size[0] / 2 + seat.aside * eye_px, EYE_LINE * size[1] + seat.lower * eye_px)
        for layer in figure(Look.of(seat.seed, seat.skin), seat.pose, seat.wear):
            _place(scene, layer, middle, eye_px)
        smear = seat.speed * eye_px
    return Scene(scene.albedo, scene.lights, scene.behind, smear)


def picture(rgb: Pixels, size: tuple[int, int]) -> Scene:
    """Return a flat, matt picture (height, width, 3 or none, RGB) held up before the wall."""
    scene = wall(size)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_GRAY2BGR if rgb.ndim == 2 else cv2.COLOR_RGB2BGR)
    scale = PICTURE_SHARE * min(size[1] / bgr.shape[0], size[0] / bgr.shape[1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=how)
    top, left = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
    place = (slice(top, top + small.shape[0]), slice(left, left + small.shape[1]))
    scene.albedo[place] = 0.02 + 0.80 * (small.astype(np.float32) / 255) ** 2.2
    scene.behind[place] = 0.0
    return scene


def wall(size: tuple[int, int], backdrop: str = "plain") -> Scene:
    """Return the empty wall with one of BACKDROPS on it."""
    shape = (size[1], size[0])
    albedo = np.broadcast_to(np.array(BACKDROPS[backdrop], np.float32), (*shape, 3)).copy()
    if backdrop == "busy":
        _shelves(albedo)
    lights = np.broadcast_to(np.array(WALL_LIGHTS, np.float32), (*shape, 4)).copy()
    return Scene(albedo, lights, np.ones(shape, np.float32))


def _shelves(albedo: Floats) -> None:
    """Shelves of books, in colours and widths drawn from a fixed seed."""
    rng = np.random.default_rng(11)
    rows, columns = 6, 26
    height, width = albedo.shape[0] / rows, albedo.shape[1] / columns
    for row in range(rows):
        for column in range(columns):
            top, left = round(row * height), round(column * width)
            book = (slice(top + round(height * rng.uniform(0.1, 0.3)), round((row + 1) * height) - 4),)
            albedo[(*book, slice(left, round(left + width * 0.92)))] = rng.uniform(0.03, 0.6, 3)


def _place(scene: Scene, layer: Layer, middle: tuple[float, float], eye_px: float) -> None:
    """Lay one layer of a person over the scene, eyes' middle at `middle` px."""
    scale = eye_px / layer.scale
    corner = [at + start * eye_px for at, start in zip(middle, layer.corner, strict=True)]
    rows, columns = _reach(corner, layer, scale, scene.albedo.shape)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    to = np.array([[scale, 0, corner[0] - columns.start], [0, scale, corner[1] - rows.start]])
    size = (columns.stop - columns.start, rows.stop - rows.start)
    alpha = _warp(layer.alpha, to, size)[..., None]
    for plane, drawn in ((scene.albedo, layer.albedo), (scene.lights, layer.lights)):
        part = plane[rows, columns]
        part += alpha * (_warp(drawn, to, size) - part)
    scene.behind[rows, columns] *= 1 - alpha[..., 0]


def _reach(
    corner: Sequence[float], layer: Layer, scale: float, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Return the rows and columns of the frame that the layer covers."""
    ends = [at + scale * length for at, length in zip(corner, layer.alpha.shape[::-1], strict=True)]
    rows, columns = (
        slice(max(0, int(corner[axis])), min(shape[1 - axis], int(np.ceil(ends[axis])))) for axis in (1, 0)
    )
    return rows, columns


def _warp(plane: Floats, to: np.ndarray, size: tuple[int, int]) -> Floats:
    scale = float(to[0, 0])
    if scale < 0.75:  # soften first, or fine hair would alias
        plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.38 / scale), np.float32)
    return np.asarray(cv2.warpAffine(plane, to, size, flags=cv2.INTER_LINEAR), np.float32)
