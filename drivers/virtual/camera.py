"""The virtual camera: a lens, a sensor with exposure, gain and noise, before the virtual sitter.

    camera = VirtualCamera(light=panel.light)
    camera.sitter.sit(seed=7)
    camera.lux(12)
    camera.unplug()

It obeys `CameraControls` as a real one does: a few frames later, and the metadata say when.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from drivers.api import CameraControls, Clock, DeviceInfo, Frame, FrameMetadata, Pixels
from drivers.errors import DeviceGone, DeviceRefused
from drivers.virtual import scene
from drivers.virtual.room import MAINS_HZ, Room, Sources
from drivers.virtual.scene import Scene
from drivers.virtual.sitter import Sitter
from drivers.virtual.sitter_shape import Floats

STILL_SIZE, PREVIEW_SIZE = (1280, 960), (640, 480)
FRAME_S = 1 / 30
CONTROL_DELAY_FRAMES = 5  # buffers in flight plus the sensor's own delay
EXPOSURE_RANGE_US, GAIN_RANGE = (100, 20_000), (1.0, 16.0)
SENSITIVITY = 0.9 / (300 * 33_000)  # white at 300 lux, 33 ms, gain 1: about ISO 100 at f/2
METERED, AGREED = 0.46, 0.6  # automatic exposure: mean light it wants, and its step towards it
NOISE_LEVELS, NOISE_GROWTH = 2.0, 0.7  # 8-bit levels at gain 1; shot and read noise by gain
PREVIEW_NOISE = 0.8
TONE_STEPS = 4095
DARKNESS = Room(lux=0.0)
BAND_PX = 120  # frames are developed in bands of rows: less memory at once
NOISE_UNIT, GRAIN_SPARE_PX = 32, 64


@cache
def _tone_table() -> Pixels:
    """sRGB curve (IEC 61966-2-1) from 12-bit linear light to 8 bit."""
    light = np.arange(TONE_STEPS + 1) / TONE_STEPS
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curve * 255).round().astype(np.uint8)


class VirtualCamera:
    """A `drivers.api.Camera`. With `paced` it gives 30 frames a second of `clock`; else at once.

    Without pace the frame times still run on by 1/30 s a frame, so whoever waits for 400 ms of frames
    gets them in a moment.
    """

    def __init__(
        self,
        sitter: Sitter | None = None,
        light: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0),
        *,
        clock: Clock = time.monotonic,
        paced: bool = False,
        seed: int = 0,
    ) -> None:
        self.sitter = sitter or Sitter()
        self._light = light
        self._clock, self._paced = clock, paced
        self._random = np.random.default_rng(seed)
        self._unplugged = threading.Event()
        self._open = False
        self._room, self._covered, self._over = Room(), False, 1.0
        self.told = FrameMetadata()
        self._picture: Pixels | None = None
        self._reset()

    # --- verbs of the world, from any thread ---

    def lux(self, room: float) -> None:
        """Make the room as bright as this, lux on the sitter's face."""
        self._change(lux=max(0.0, room))

    def window(self, lux: float) -> None:
        """Let light in from one side (the picture's left)."""
        self._change(window=max(0.0, lux))

    def backlight(self, lux: float) -> None:
        """Let light fall on the wall behind the sitter, and on nobody."""
        self._change(behind=max(0.0, lux))

    def sodium(self, share: float) -> None:
        """Let so much of the room's light (0..1) be a street lamp's yellow."""
        self._change(sodium=min(max(share, 0.0), 1.0))

    def flicker(self, depth: float) -> None:
        """Let the room's lamps pulse at twice the mains' 50 Hz, so deep (0..1)."""
        self._change(flicker=min(max(depth, 0.0), 1.0))

    def dazzle(self, times: float) -> None:
        """Meter wrongly: expose so many times too long (1 is right), as beside a dark wall."""
        self._over = max(0.1, times)

    def cover(self, covered: bool) -> None:
        """Lay something over the lens, or take it away."""
        self._covered = covered

    def backdrop(self, name: str) -> None:
        """Put another wall behind the sitter: one of `scene.BACKDROPS`."""
        self._change(backdrop=name)

    def show_picture(self, rgb: Pixels | None) -> None:
        """Hold a picture (RGB or grey) before the camera, e.g. a card's QR code; None takes it away."""
        self._picture = None if rgb is None else rgb.copy()

    def unplug(self) -> None:
        self._unplugged.set()

    def plug(self) -> None:
        self._unplugged.clear()

    # --- drivers.api.Camera ---

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("camera", "virtual camera and sitter", virtual=True)

    def __enter__(self) -> Self:
        if self._unplugged.is_set():
            raise DeviceGone("camera", "open")
        self._reset()
        self._open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False

    def controls(self) -> frozenset[str]:
        return frozenset({"exposure_us", "gain", "white_balance_locked"})

    def set_controls(self, wanted: CameraControls) -> None:
        self._check("set_controls")
        self._coming.append((self._count + CONTROL_DELAY_FRAMES, wanted))

    def preview(self, timeout_s: float) -> Frame:  # noqa: ARG002 (a frame is never late here)
        return self._frame(PREVIEW_SIZE, "preview")

    def still(self, timeout_s: float) -> Frame:  # noqa: ARG002 (as above)
        return self._frame(STILL_SIZE, "still")

    # --- the sensor ---

    def _change(self, **what: Any) -> None:
        self._room = replace(self._room, **what)

    def _reset(self) -> None:
        self._count = 0
        self._at_s = self._clock()
        self._controls = CameraControls()
        self._coming: deque[tuple[int, CameraControls]] = deque()
        self._automatic = float(EXPOSURE_RANGE_US[1])  # exposure × gain, µs
        self._scenes: dict[tuple[int, int], tuple[object, Scene]] = {}
        self._clean: dict[tuple[int, int], tuple[Scene, object, Pixels]] = {}
        self._balance = (1.0, 1.0, 1.0)
        self._grains = self._sow()

    def _check(self, doing: str) -> None:
        if self._unplugged.is_set():
            raise DeviceGone("camera", doing)
        if not self._open:
            raise DeviceRefused("camera", f"{doing} before open")

    def _frame(self, size: tuple[int, int], doing: str) -> Frame:
        self._check(doing)
        self._next_moment(doing)
        while self._coming and self._coming[0][0] <= self._count:
            self._controls = self._coming.popleft()[1]
        shown = self._scene(size)
        sources = self._sources()
        exposure_us, gain = self._expose(shown, sources)
        bgr = self._develop(size, shown, sources, exposure_us, gain)
        self.told = FrameMetadata(exposure_us, gain)
        return Frame(bgr, self._at_s, self.told)

    def _next_moment(self, doing: str) -> None:
        self._count += 1
        if not self._paced:
            self._at_s += FRAME_S
            return
        due = self._at_s + FRAME_S
        if self._unplugged.wait(max(0.0, due - self._clock())):
            raise DeviceGone("camera", doing)
        self._at_s = max(due, self._clock())

    def _scene(self, size: tuple[int, int]) -> Scene:
        """Draw what stands there, again only when it has changed."""
        if size == PREVIEW_SIZE:  # a burst is over: its large layers are not kept for the next one
            self._scenes.pop(STILL_SIZE, None)
            self._clean.pop(STILL_SIZE, None)
        shown, seats, backdrop = self._picture, self.sitter.seats, self._room.backdrop
        what = (id(shown), seats, backdrop)
        held = self._scenes.get(size)
        if held is None or held[0] != what:
            drawn = scene.people(seats, size, backdrop) if shown is None else scene.picture(shown, size)
            self._scenes[size] = held = (what, drawn)
        return held[1]

    def _sow(self) -> np.ndarray:
        """Return a strip of noise (int8, standard deviation NOISE_UNIT) that every frame cuts from anew."""
        shape = (BAND_PX + GRAIN_SPARE_PX, STILL_SIZE[0] + GRAIN_SPARE_PX, 3)
        grains = self._random.standard_normal(shape, np.float32) * NOISE_UNIT
        return np.clip(grains, -127, 127).astype(np.int8)

    def _sources(self) -> Sources:
        return Sources(DARKNESS, 0.0, 0.0) if self._covered else Sources(self._room, *self._light())

    def _expose(self, shown: Scene, sources: Sources) -> tuple[int, float]:
        """Return exposure in µs and gain: as asked, or as the automatic exposure has come to by now."""
        metered = shown.coarse(8).lit(sources.mix, sources.room.behind).mean()
        wanted = METERED * self._over / max(float(metered) * SENSITIVITY, 1e-9)
        self._automatic *= (wanted / self._automatic) ** AGREED
        product = float(np.clip(self._automatic, EXPOSURE_RANGE_US[0], EXPOSURE_RANGE_US[1] * GAIN_RANGE[1]))
        self._automatic = product
        exposure = self._controls.exposure_us or _steady(product / (self._controls.gain or GAIN_RANGE[0]))
        exposure = float(np.clip(exposure, *EXPOSURE_RANGE_US))
        gain = self._controls.gain or product / exposure
        return round(exposure), float(np.clip(gain, *GAIN_RANGE))

    def _develop(
        self, size: tuple[int, int], shown: Scene, sources: Sources, exposure_us: int, gain: float
    ) -> Pixels:
        """Turn light into pixels; what is the same as in the last frame is not computed again."""
        noise = NOISE_LEVELS * (PREVIEW_NOISE if size == PREVIEW_SIZE else 1.0)
        if not self._controls.white_balance_locked:
            self._balance = sources.balance
        how = (sources, exposure_us, round(gain, 2), self._balance)
        held = self._clean.get(size)
        if held is None or held[0] is not shown or held[1] != how or sources.room.flicker > 0:
            clean = self._exposed(shown, sources, exposure_us, gain)
            self._clean[size] = held = (shown, how, clean)
        return self._noisy(held[2], gain, noise)

    def _exposed(self, shown: Scene, sources: Sources, exposure_us: int, gain: float) -> Pixels:
        """The picture without noise: light, shutter, tone curve, smear, sharpening."""
        strength = SENSITIVITY * exposure_us * gain
        mix = sources.mix * np.array(self._balance, np.float32)[:, None] * strength
        bands = [band.lit(mix, sources.room.behind * strength) for band in shown.bands(BAND_PX)]
        if sources.room.flicker > 0:
            pulses = sources.pulses(len(shown.albedo), self._at_s, exposure_us / 1e6)
            bands = [np.concatenate(bands) * pulses]
        toned = np.concatenate([_tone(band) for band in bands])
        return _sharpened(_smear(toned, shown.smear * exposure_us / 1e6))

    def _noisy(self, clean: Pixels, gain: float, levels: float) -> Pixels:
        """Add noise, of nearly even strength after the sRGB curve as shot noise is."""
        strength = levels * gain**NOISE_GROWTH / NOISE_UNIT
        height, width = clean.shape[:2]
        noisy = np.empty_like(clean)
        for top in range(0, height, BAND_PX):
            rows = clean[top : top + BAND_PX]
            down, across = self._random.integers(0, GRAIN_SPARE_PX, 2)
            grains = self._grains[down : down + len(rows), across : across + width]
            cv2.addWeighted(rows, 1.0, grains, strength, 0.0, noisy[top : top + BAND_PX], cv2.CV_8U)
        return noisy


def _steady(exposure_us: float) -> float:
    """A whole number of the mains' pulses where there is time for one: then nothing flickers."""
    pulse_us = 1e6 / MAINS_HZ
    return exposure_us if exposure_us < pulse_us else exposure_us // pulse_us * pulse_us


def _tone(light: Floats) -> Pixels:
    return _tone_table()[np.clip(light * TONE_STEPS, 0, TONE_STEPS).astype(np.uint16)]


def _sharpened(bgr: Pixels) -> Pixels:
    """What every camera's image processor does before anybody sees the picture."""
    soft = cv2.GaussianBlur(bgr, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(bgr, 1.4, soft, -0.4, 0.0), np.uint8)


def _smear(bgr: Pixels, length_px: float) -> Pixels:
    return bgr if length_px < 1 else np.asarray(cv2.blur(bgr, (round(length_px), 1)), np.uint8)
