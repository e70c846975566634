"""The whole kiosk: a visit's software time, memory, the first picture, a change of screen, the live picture.

The measured process is `kiosk run`'s own program (`benchmarks.visit`), its world another one
(`benchmarks.world`), so that what is simulated costs it neither memory nor time.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.figure import About, Figure, figure, median_s, p95, say
from benchmarks.memory import PeakMemory, tree_mb
from benchmarks.panel_file import SIZE
from benchmarks.results import CHECKOUT, FOLDER
from benchmarks.visit import Lap, Order, Watch
from benchmarks.world import OutsideWorld
from drivers.api import FingerImage
from drivers.virtual.skin import POSITIONS
from firmware.quality.nbis.client import FingerScorer
from firmware.quality.nbis.runtime import ScorerMissing, locate
from statemachine.states import S

CITIZENS, CITIZENS_16 = (0, 1, 2), (3, 4)
STARTS = 5
CAMERA_FPS = 30.0
PATIENCE_S = 30.0
DRAWN_S = 1.0  # by then the world has drawn its sitter, in every pose and light that comes
NO_WORLD = "fingers, sitter and card; what they take is not counted"

ABOUT: Mapping[str, About] = {
    "citizen.software_s": About(
        "a whole visit, greeting to farewell, without human and physical time; the median of three visits",
        cpu=True,
        simulated=NO_WORLD,
        limit=96,
        limit_of="300 citizens in a box's day of 8 hours, people's own time included",
    ),
    "kiosk.peak_pss_mb": About(
        "most memory at one moment of a kiosk, its chip child and its NFIQ 2 child over three visits",
    ),
    "kiosk.first_screen_s": About(
        "from the start of `kiosk run` to the greeting in the panel's memory; files in the page cache",
        cpu=True,
        simulated="the panel is a plain file",
        limit=10,
        limit_of="a person who sees a black panel for longer walks on",
    ),
    "kiosk.ready_s": About("from the start of `kiosk run` to READY=1: a touch is answered", cpu=True),
    "screen.change_ms_p95": About(
        "from a message taken out of the inbox to the new picture in the panel's memory, 95 of 100 changes",
        cpu=True,
        simulated="the panel is a plain file",
        limit=100,
        limit_of="from there on a touch feels late",
    ),
    "portrait.preview_fps": About(
        "live pictures on the panel each second while the gate judges each, the camera giving 30",
        more=True,
        simulated="camera and sitter, in another process",
    ),
    "portrait.preview_fps.unpaced": About(
        "the same if a frame were always waiting",
        more=True,
        cpu=True,
        limit=15,
        limit_of="a picture that follows the person",
    ),
}


# --- the visits ----------------------------------------------------------------------------------------


def software() -> list[Figure]:
    """Software time of a visit and of each of its steps; peer: the native work of every visit."""
    visits = _visits(_measured().watch32.laps)
    if not visits:
        return [figure("citizen.software_s", None, "s", 10)]
    floor_s = _native_floor_s()
    totals = [sum(visit.values()) for visit in visits]
    median = statistics.median(totals)
    steps = {name: statistics.median(visit.get(name, 0.0) for visit in visits) for name in visits[0]}
    peer = None if floor_s is None else "NFIQ 2 and matching of the same fingers alone"
    return [
        figure("citizen.software_s", median, "s", 10, peer, floor_s),
        *(figure(f"citizen.software_s.{name}", value, "s") for name, value in steps.items()),
    ]


def memory() -> list[Figure]:
    """Peak memory of the kiosk's processes; peer: a bare Python with NumPy, OpenCV and Pillow."""
    peak = _measured().memory
    bare_mb = _bare_mb("import numpy, cv2, PIL.Image")
    name = "kiosk.peak_pss_mb"
    return [
        figure(name, peak.total_mb, "MB", 300, "bare Python with NumPy, OpenCV, Pillow", bare_mb),
        *(figure(f"{name}.{part}", size, "MB") for part, size in sorted(peak.peak.items())),
    ]


def changes() -> list[Figure]:
    """Changes of screen in a visit; peer: a whole picture, drawn already, converted and copied."""
    found = _measured()
    name = "screen.change_ms_p95"
    noise = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    picture = Image.fromarray(noise)
    pillow = _blit_ms(lambda: picture.tobytes("raw", "BGRX"))
    opencv = _blit_ms(lambda: cv2.cvtColor(noise, cv2.COLOR_RGB2BGR565).tobytes())
    return [
        figure(name, p95(found.watch32.changes_ms), "ms", 30, "Pillow convert and copy", pillow),
        figure(f"{name}.rgb565", p95(found.watch16.changes_ms), "ms", 30, "OpenCV convert and copy", opencv),
    ]


def preview() -> list[Figure]:
    """Live pictures on the panel in PORTRAIT; peer: the camera's own rate."""
    every = _measured().watch32.previews
    seen = [each for each in every if each[0] - every[0][0] >= DRAWN_S]
    name = "portrait.preview_fps"
    (first_s, first_world_s), (last_s, last_world_s) = seen[0], seen[-1]
    frames, passed_s = len(seen) - 1, last_s - first_s
    software_s = passed_s - (last_world_s - first_world_s)
    return [
        figure(name, frames / passed_s, "1/s", 25, "the camera", CAMERA_FPS),
        figure(f"{name}.unpaced", frames / software_s, "1/s", 25),
    ]


class _Measured:
    """Two kiosks, one after the other: three citizens before a 32-bit panel, two before a 16-bit one."""

    def __init__(self) -> None:
        folder = FOLDER / "office"
        folder.mkdir(parents=True, exist_ok=True)
        with OutsideWorld(folder, count=len(CITIZENS + CITIZENS_16)) as world:
            self.touches = [world.touch_of(0, position, 2) for position in POSITIONS]
            self.watch32, self.memory = self._run(world, 32, CITIZENS)
            self.watch16, _ = self._run(world, 16, CITIZENS_16)

    def _run(self, world: OutsideWorld, bits: int, citizens: tuple[int, ...]) -> tuple[Watch, PeakMemory]:
        say(f"{len(citizens)} citizens before a {bits}-bit panel")
        panel = FOLDER / f"panel{bits}"
        order = Order(world.address, str(world.site), str(panel), bits, citizens, first_dreams=bits == 32)
        command = [sys.executable, "-m", "benchmarks.visit", json.dumps(asdict(order))]
        with (
            subprocess.Popen(
                command, stdout=subprocess.PIPE, env={**_quiet_threads(), **world.env}, cwd=CHECKOUT
            ) as process,
            PeakMemory(process.pid) as peak,
        ):
            said, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"the measured kiosk ended with {process.returncode}")
        return _watch(json.loads(said)), peak


_measured = cache(_Measured)


def _watch(said: Mapping[str, Any]) -> Watch:
    previews = [(when, world) for when, world in said["previews"]]
    return Watch([Lap(**lap) for lap in said["laps"]], said["changes_ms"], previews)


def _visits(laps: list[Lap]) -> list[dict[str, float]]:
    """For each citizen the software's seconds in each state, in the order of the states."""
    visits: dict[int, dict[str, float]] = {}
    for lap in laps:
        steps = visits.setdefault(lap.citizen, {})
        steps[lap.state] = steps.get(lap.state, 0.0) + max(0.0, lap.wall_s - lap.world_s)
    return [{name: value for name, value in steps.items() if name != S.FAREWELL} for steps in visits.values()]


def _native_floor_s() -> float | None:
    """Scoring ten fingers and proving one, by the child alone."""
    try:
        runtime = locate(CHECKOUT / ".tools")
    except ScorerMissing:
        return None
    images = [FingerImage(touch) for touch in _measured().touches]
    with FingerScorer(runtime, timeout_s=30) as scorer:
        template = scorer.template(images[1])

        def work() -> None:
            for image in images:
                scorer.nfiq2(image)
            scorer.compare(scorer.template(images[1]), template)

        return median_s(work, rounds=3)


def _blit_ms(convert: Callable[[], bytes]) -> float:
    size = len(convert())
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        with mmap.mmap(file.fileno(), size) as memory:

            def blit() -> None:
                memory[:] = convert()

            return median_s(blit, rounds=20) * 1e3


# --- the start -----------------------------------------------------------------------------------------


def start() -> list[Figure]:
    """From process start to the first picture and to READY=1; peer: a bare `python -c "import PIL.Image"`."""
    _measured()  # enrols the box that is started here
    started = [_start() for _ in range(STARTS)]
    bare = median_s(lambda: _python("import PIL.Image"), STARTS)
    first, ready = (statistics.median(times) for times in zip(*started, strict=True))
    return [
        figure("kiosk.first_screen_s", first, "s", 2, "bare Python that imports Pillow", bare),
        figure("kiosk.ready_s", ready, "s"),
    ]


def _start() -> tuple[float, float]:
    """Start the real command once; seconds to the first picture and to READY=1."""
    panel, site = FOLDER / "panel32", FOLDER / "office" / "site.toml"
    panel.write_bytes(bytes(SIZE[0] * SIZE[1] * 4))
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(f"{folder}/notify")
        notices.settimeout(PATIENCE_S)
        command = [sys.executable, "-m", "benchmarks.first_screen", str(panel), "run", "--config", str(site)]
        began = time.perf_counter()
        env = {**_quiet_threads(), "NOTIFY_SOCKET": f"{folder}/notify"}
        with (
            (FOLDER / "kiosk.log").open("ab") as log,
            subprocess.Popen(command, env=env, cwd=CHECKOUT, stderr=log) as process,
        ):
            try:
                first = _until(lambda: any(panel.read_bytes()[-4 * SIZE[0] :]), process) - began
                while b"READY=1" not in notices.recv(4096):
                    continue
                return first, time.perf_counter() - began
            finally:
                process.terminate()


def _until(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> float:
    """Look each millisecond: a plain file tells nobody that its mapping was written."""
    while not there():
        if process.poll() is not None:
            raise RuntimeError(f"kiosk run ended with {process.returncode} before its first picture")
        time.sleep(0.001)
    return time.perf_counter()


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def _bare_mb(code: str) -> float:
    """Memory of a Python that did this and nothing else, counted as the kiosk's is."""
    waits = f"{code}\nprint(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_quiet_threads()
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        size = sum(tree_mb(process.pid).values())
        process.communicate(b"\n")
    return size


def _quiet_threads() -> dict[str, str]:
    """As `kiosk` sets it: NumPy's idle threads spin."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


FIGURES: tuple[Callable[[], list[Figure]], ...] = (software, memory, changes, preview, start)
