"""Portrait: what a frame and a whole capture cost, what the chip's picture is worth, how well the gate tells.

The sitter and the camera are simulated; the gate, the models and the encoders are not.
"""

from __future__ import annotations

import csv
import io
import re
import statistics
import time
from collections.abc import Callable, Mapping
from functools import cache, partial

import cv2
import numpy as np
from PIL import Image

from benchmarks import portrait_sitter as sitter
from benchmarks import real_portraits
from benchmarks.booth import Visit, frame, gate, one_core
from benchmarks.figure import About, Figure, figure, say
from benchmarks.portrait_plots import PLOTS as PLOTS
from drivers.api import Pixels
from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait import EVERY, Watch
from firmware.quality.portrait_capture import PortraitSample
from firmware.quality.portrait_crop import encode_jp2
from firmware.quality.portrait_models import ModelsMissingError
from firmware.quality.portrait_ofiq import scalar

ROUNDS, CYCLES = 30, 20
PEOPLE = (1, 2, 3, 4, 5, 6)
DG2_BYTES = 15_000
TABLE = real_portraits.SHARED / "faces" / "ofiq_expected_results.csv"
LATER = "no_head_coverings"  # the facts' table of 756 cells came without it


def _needs_models(name: str, unit: str, aim: float) -> Callable[[Callable[[], Figure]], Callable[[], Figure]]:
    """Have a figure say why it is not measured where the models are absent."""

    def wrap(measure: Callable[[], Figure]) -> Callable[[], Figure]:
        def measured() -> Figure:
            try:
                return measure()
            except ModelsMissingError as exc:
                say(str(exc))
                return figure(name, None, unit, aim)

        measured.__doc__ = measure.__doc__
        return measured

    return wrap


@_needs_models("portrait.gate_ms", "ms", 12.0)
def gate_ms() -> Figure:
    """Time a preview frame: a watched face, faces looked for and the wall seen in one of five; one core."""
    picture, watch = frame(), Watch(gate())
    with one_core():
        each = _median_ms(lambda: [watch.check(picture) for _ in range(EVERY)], CYCLES) / EVERY
    return figure("portrait.gate_ms", each, "ms", 12.0)


@_needs_models("portrait.still_ms", "ms", 30.0)
def still_ms() -> Figure:
    """Time of judging one still, on one core."""
    picture = frame(still=True)
    with one_core():
        value = _median_ms(lambda: gate().check_still(picture), ROUNDS)
    return figure("portrait.still_ms", value, "ms", 30.0)


@_needs_models("portrait.first_detection_ms", "ms", 300.0)
def first_detection_ms() -> Figure:
    """From somebody's sitting down before the open camera to the first frame that shows a face."""
    times = []
    for seed in PEOPLE:
        frame(seed)  # the drawing of the sitter is not the product's time
        with VirtualCamera(paced=True) as camera:
            watch = Watch(gate())
            for _ in range(6):
                watch.check(camera.preview(1.0).bgr)
            camera.sitter.sit(seed)
            began = time.perf_counter()
            while watch.check(camera.preview(1.0).bgr).face is None:
                pass
            times.append((time.perf_counter() - began) * 1e3)
    return figure("portrait.first_detection_ms", statistics.median(times), "ms", 300.0)


@_needs_models("portrait.accept_ms", "ms", 600.0)
def accept_ms() -> Figure:
    """From the eighth good frame to the accepted crop and its files, without the camera's own time."""
    with one_core():
        times = [visit.accept_s * 1e3 for visit, sample in _taken() if sample.good]
    return figure("portrait.accept_ms", statistics.median(times) if times else None, "ms", 600.0)


@_needs_models("portrait.capture_s", "s", 1.5)
def capture_s() -> Figure:
    """Software time of a whole portrait, from the first frame to the two encoded files."""
    with one_core():
        times = [visit.software_s for visit, _ in _taken()]
    return figure("portrait.capture_s", statistics.median(times), "s", 1.5)


def virtual_preview_ms() -> Figure:
    """Time of one frame of the virtual camera, the sitter being drawn already."""
    with VirtualCamera() as camera, one_core():
        camera.sitter.sit(3)
        camera.preview(1.0)
        value = _median_ms(lambda: camera.preview(1.0), ROUNDS)
    return figure("portrait.virtual_preview_ms", value, "ms", 10.0)


def ofiq_cells() -> list[Figure]:
    """Cells of OFIQ's table whose scalar comes out of its native."""
    if not TABLE.is_file():
        say(f"no table at {TABLE}")
        return [figure("portrait.ofiq_cells", None, "cells", 756)]
    right = {False: 0, True: 0}
    with TABLE.open(encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter=";"):
            for name in (each for each in row if each and f"{each}.scalar" in row):
                component = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
                same = scalar(component, float(row[name])) == int(row[f"{name}.scalar"])
                right[component == LATER] += same
    return [
        figure("portrait.ofiq_cells", right[False], "cells", 756),
        figure("portrait.ofiq_cells.no_head_coverings", right[True], "cells", 28),
    ]


def dg2() -> list[Figure]:
    """Size and fidelity of the chip's JPEG 2000; the peer is the best JPEG of the same size."""
    try:
        crops = [sample.crop for _, sample in _taken()]
    except ModelsMissingError as exc:
        say(str(exc))
        return [figure("portrait.dg2_psnr", None, "dB", 36.0)]
    files = [encode_jp2(crop, DG2_BYTES) for crop in crops]
    ours = [_psnr(crop, file) for crop, file in zip(crops, files, strict=True)]
    theirs = statistics.mean(_psnr(crop, _jpeg_within(crop, DG2_BYTES)) for crop in crops)
    return [
        figure("portrait.dg2_bytes", max(map(len, files)), "B", DG2_BYTES),
        figure("portrait.dg2_psnr", min(ours), "dB", 36.0, "Pillow JPEG at 15 kB, mean", theirs),
    ]


@cache
def _taken() -> tuple[tuple[Visit, PortraitSample], ...]:
    visits = [Visit(seed) for seed in PEOPLE]
    return tuple((visit, visit.take()) for visit in visits)


MADE_UP = "camera and sitter"
_cpu = partial(About, cpu=True, simulated=MADE_UP)
ABOUT: Mapping[str, About] = {
    "portrait.gate_ms": _cpu(
        "CPU time of one preview frame on one core, mean of five: one looks for faces, one sees the wall",
        limit=66,
        limit_of="15 live pictures a second",
    ),
    "portrait.still_ms": _cpu("judging one still, on one core"),
    "portrait.first_detection_ms": _cpu(
        "from somebody's sitting down before the open camera (30 frames/s) to the first frame with a face",
        limit=1000,
        limit_of="what a person notices as waiting",
    ),
    "portrait.accept_ms": _cpu(
        "from the eighth good frame to the accepted crop and its files, one core, without the camera's time",
        limit=3000,
        limit_of="how long a person keeps still",
    ),
    "portrait.capture_s": _cpu(
        "a whole portrait, from the first frame to the two files, one core, without the camera's time",
        limit=10,
        limit_of="how long a person sits still gladly",
    ),
    "portrait.virtual_preview_ms": About("one frame of the virtual camera", simulated="all of it"),
    "portrait.ofiq_cells": About("cells of OFIQ's 28 pictures whose scalar is reproduced", more=True),
    "portrait.dg2_bytes": About("the largest of the chip's pictures", simulated=MADE_UP),
    "portrait.dg2_psnr": About("the least faithful of them beside its crop", more=True, simulated=MADE_UP),
    **sitter.ABOUT,
    **real_portraits.ABOUT,
}

PIVOTS = ("portrait.real",)

FIGURES: tuple[Callable[[], Figure | list[Figure]], ...] = (
    *(gate_ms, still_ms, first_detection_ms, accept_ms, capture_s, virtual_preview_ms, ofiq_cells, dg2),
    *(sitter.night, sitter.faults, sitter.compliant, sitter.pose, real_portraits.real),
)


def _median_ms(act: Callable[[], object], rounds: int) -> float:
    """Median CPU time: what others do on this machine does not count. `act` has run once before."""
    act()
    times = []
    for _ in range(rounds):
        began = time.thread_time()
        act()
        times.append((time.thread_time() - began) * 1e3)
    return statistics.median(times)


def _psnr(crop: Pixels, file: bytes) -> float:
    back = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))[:, :, ::-1]
    return float(cv2.PSNR(np.ascontiguousarray(back), crop))


def _jpeg_within(crop: Pixels, max_bytes: int) -> bytes:
    picture = Image.fromarray(np.ascontiguousarray(crop[:, :, ::-1]))
    for quality in range(95, 5, -1):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= max_bytes:
            break
    return file.getvalue()
