"""The fingers' plots for docs/benchmarks.md, drawn with Pillow into docs/figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.portrait_plots import FOLDER, LINES, SIZE, Axes

SCORES, SEPARATION = FOLDER / "finger-nfiq2.png", FOLDER / "finger-separation.png"
PLOTS = {
    SCORES: "NFIQ 2.3 scores of made-up fingers by the state of their skin, share of impressions. Simulated.",
    SEPARATION: "Similarity (nbis) of two touches of one made-up finger, and of two fingers: share of pairs."
    " From 19 on a finger is asked for again, from 40 on it is the same. Simulated.",
}


def plot_scores(scores: Mapping[str, Sequence[int | None]]) -> None:
    """`scores`: skin → NFIQ 2 of its impressions; a failed one is drawn below zero."""
    picture = Image.new("RGB", (SIZE[0] * len(scores), SIZE[1]), "white")
    draw = ImageDraw.Draw(picture)
    for number, (skin, found) in enumerate(scores.items()):
        axes = Axes(draw, number * SIZE[0], (-10, 100), (0, 0.6))
        axes.frame(f"{skin} ({len(found)})", "NFIQ 2 (below 0: failed)")
        _bars(draw, axes, [-5 if score is None else score for score in found], 5, LINES[number])
    _save(picture, SCORES)


def plot_separation(genuine: Sequence[int], impostor: Sequence[int]) -> None:
    picture = Image.new("RGB", (SIZE[0] * 2, SIZE[1]), "white")
    draw = ImageDraw.Draw(picture)
    near = Axes(draw, 0, (0, 60), (0, 0.6))
    near.frame(f"two fingers ({len(impostor)} pairs)", "similarity")
    _bars(draw, near, impostor, 3, LINES[1])
    far = Axes(draw, SIZE[0], (0, 400), (0, 0.6))
    far.frame(f"one finger, two touches ({len(genuine)})", "similarity")
    _bars(draw, far, genuine, 20, LINES[0])
    for axes in (near, far):
        axes.line(((40, 0), (40, 0.6)), LINES[2])
    near.line(((19, 0), (19, 0.6)), LINES[3])
    _save(picture, SEPARATION)


def _bars(draw: ImageDraw.ImageDraw, axes: Axes, values: Sequence[int], width: int, colour: str) -> None:
    low, high = (int(end) for end in axes.x)
    counts, edges = np.histogram(np.clip(values, low, high), np.arange(low, high + width, width))
    for count, left in zip(counts / max(1, len(values)), edges[:-1], strict=True):
        if count:
            draw.rectangle((*axes.at(left, min(count, axes.y[1])), *axes.at(left + width, 0)), colour)


def _save(picture: Image.Image, path: object) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture.quantize(64).save(str(path), optimize=True)
