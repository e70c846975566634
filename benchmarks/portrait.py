"""Portrait: what a frame and a whole capture cost, and what the chip's picture is worth.

Each function returns one figure as `{"name", "value", "unit", "aim", "peer", "peer_value"}`; `value` is None
with a `why` where it cannot be measured on this machine. The sitter and the camera are simulated, the gate,
the models and the encoders are not.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.figure import About
from drivers.api import Deadline, Pixels
from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait import PortraitGate
from firmware.quality.portrait_capture import PortraitSample, take_portrait
from firmware.quality.portrait_crop import encode_jp2
from firmware.quality.portrait_models import FaceModels, ModelsMissingError

Figure = dict[str, object]

MODELS = Path(os.environ.get("IDKIOSK_MODELS", Path(__file__).resolve().parents[1] / ".tools" / "models"))
PI4 = 4.8  # a Pi 4 core is about this much slower
ROUNDS = 40
PEOPLE = (1, 2, 3, 4, 5, 6)
DG2_BYTES = 15_000


def gate_ms() -> Figure:
    """Median time of judging one preview frame (detector, mesh, all measures) on one core."""
    figure = _figure("portrait.gate_ms", "ms", 12.0, None, None)
    try:
        gate = _gate()
    except ModelsMissingError as exc:
        return figure | {"why": str(exc)}
    frame = _frame(still=False)
    with _one_core():
        value = _median_ms(lambda: gate.check(frame))
    return figure | {"value": value, "pi4_projection": round(value * PI4, 1)}


def still_ms() -> Figure:
    """Median time of judging one still, on one core."""
    figure = _figure("portrait.still_ms", "ms", 30.0, None, None)
    try:
        gate = _gate()
    except ModelsMissingError as exc:
        return figure | {"why": str(exc)}
    frame = _frame(still=True)
    with _one_core():
        value = _median_ms(lambda: gate.check_still(frame))
    return figure | {"value": value, "pi4_projection": round(value * PI4, 1)}


def capture_s() -> Figure:
    """Software time of a whole portrait, from the first frame to the two encoded files."""
    figure = _figure("portrait.capture_s", "s", 1.5, None, None)
    try:
        gate = _gate()
    except ModelsMissingError as exc:
        return figure | {"why": str(exc)}
    times, good = [], 0
    for seed in PEOPLE:
        _frame(still=True, seed=seed)  # the drawing of the sitter is not the product's time
        began = time.perf_counter()
        good += _taken(gate, seed).good
        times.append(time.perf_counter() - began)
    return figure | {"value": round(statistics.median(times), 3), "good": f"{good}/{len(PEOPLE)}"}


def virtual_preview_ms() -> Figure:
    """Median time of one frame of the virtual camera, the sitter being drawn already (simulated)."""
    with VirtualCamera() as camera, _one_core():
        camera.sitter.sit(3)
        camera.preview(1.0)
        value = _median_ms(lambda: camera.preview(1.0))
    return _figure("portrait.virtual_preview_ms", "ms", 10.0, None, None) | {"value": value}


def jp2_psnr_db() -> Figure:
    """Fidelity of the chip's JPEG 2000 at 15 kB; the peer is the best JPEG of the same size."""
    figure = _figure("portrait.jp2_psnr_db", "dB", 36.0, "Pillow JPEG at 15 kB", None)
    try:
        crops = [_taken(_gate(), seed).crop for seed in PEOPLE]
    except ModelsMissingError as exc:
        return figure | {"why": str(exc)}
    ours = statistics.mean(_psnr(crop, encode_jp2(crop, DG2_BYTES)) for crop in crops)
    theirs = statistics.mean(_psnr(crop, _jpeg_within(crop, DG2_BYTES)) for crop in crops)
    return figure | {"value": round(ours, 2), "peer_value": round(theirs, 2)}


MADE_UP = "camera and sitter"
ABOUT: Mapping[str, About] = {
    "portrait.gate_ms": About(
        "judging one preview frame, on one core",
        cpu=True,
        simulated=MADE_UP,
        limit=66,
        limit_of="15 live pictures a second",
    ),
    "portrait.still_ms": About("judging one still, on one core", cpu=True, simulated=MADE_UP),
    "portrait.capture_s": About(
        "a whole portrait, from the first frame to the two files, the sitter drawn before",
        cpu=True,
        simulated=MADE_UP,
        limit=10,
        limit_of="how long a person sits still gladly",
    ),
    "portrait.virtual_preview_ms": About("one frame of the virtual camera", simulated="all of it"),
    "portrait.jp2_psnr_db": About(
        "fidelity of the chip's JPEG 2000 of at most 15 kB", more=True, simulated=MADE_UP
    ),
}

FIGURES: tuple[Callable[[], Figure], ...] = (gate_ms, still_ms, capture_s, virtual_preview_ms, jp2_psnr_db)


def _figure(name: str, unit: str, aim: float, peer: str | None, peer_value: float | None) -> Figure:
    return {"name": name, "value": None, "unit": unit, "aim": aim, "peer": peer, "peer_value": peer_value}


@cache
def _gate() -> PortraitGate:
    return PortraitGate(FaceModels(MODELS))


def _frame(still: bool, seed: int = 3) -> Pixels:
    with VirtualCamera() as camera:
        camera.sitter.sit(seed)
        for _ in range(14):
            camera.preview(1.0)
        return (camera.still(1.0) if still else camera.preview(1.0)).bgr


def _taken(gate: PortraitGate, seed: int) -> PortraitSample:
    with VirtualCamera() as camera:
        camera.sitter.sit(seed)
        return take_portrait(camera, _nothing, _nothing, Deadline.after(30), gate)


def _nothing(*_: object) -> None:
    """A lamp that nobody looks at and a screen that nobody sees."""


@contextmanager
def _one_core() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _median_ms(act: Callable[[], object]) -> float:
    act()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1e3)
    return round(statistics.median(times), 2)


def _psnr(crop: Pixels, file: bytes) -> float:
    back = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))[:, :, ::-1]
    return float(10 * np.log10(255**2 / np.mean((back.astype(float) - crop) ** 2)))


def _jpeg_within(crop: Pixels, max_bytes: int) -> bytes:
    picture = Image.fromarray(np.ascontiguousarray(crop[:, :, ::-1]))
    for quality in range(95, 5, -1):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= max_bytes:
            break
    return file.getvalue()


if __name__ == "__main__":
    for figure in FIGURES:
        print(json.dumps(figure()))
