"""Take one portrait: guide the person by hints, light the face, burst, keep the best, crop, check again.

Runs on the camera's worker thread. Nobody is held here for ever: after three failed rounds or the deadline
the best picture is handed over with its flags, for the officer to decide.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from drivers.api import Camera, CameraControls, Deadline, Frame, Pixels
from drivers.errors import UserRetry
from firmware.quality import GOOD_FRAMES
from firmware.quality.portrait import PortraitCheck, PortraitGate
from firmware.quality.portrait_crop import crop_portrait, encode_jp2, encode_jpeg
from firmware.quality.portrait_light import Lamps, LightLoop

Preview = Callable[[Frame, PortraitCheck], None]

HINT_STEADY_S = 0.4
BURST = 5
ROUNDS = 3
FRAME_TIMEOUT_S, STILL_TIMEOUT_S = 1.5, 3.0
LID_MEMORY, LID_MEMORY_MIN = 90, 8
DG2_BYTES = 15_000


@dataclass(frozen=True, slots=True, eq=False)
class PortraitSample:
    """A finished portrait: `crop` (531, 413, 3), `jp2` for DG2, `jpeg` for the record.

    `flags` names what is not as it should be, empty for a good one; `check` is of the crop.
    """

    crop: Pixels
    jp2: bytes
    jpeg: bytes
    check: PortraitCheck
    flags: tuple[str, ...]

    @property
    def good(self) -> bool:
        return self.check.good and not self.flags


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    crop: Pixels
    check: PortraitCheck
    flags: tuple[str, ...]


class SteadyHint:
    """Shows a hint only once it has lasted 400 ms of the camera's time, so that texts do not flicker."""

    def __init__(self) -> None:
        self._shown: str | None = None
        self._coming: str | None = None
        self._since_s: float | None = None

    def show(self, hint: str | None, at_s: float) -> str | None:
        if self._since_s is None:
            self._shown, self._coming, self._since_s = hint, hint, at_s
        if hint != self._coming:
            self._coming, self._since_s = hint, at_s
        if at_s - self._since_s >= HINT_STEADY_S:
            self._shown = self._coming
        return self._shown


class _UsualLids:
    """The median lid opening of this person, once enough frames have been seen."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=LID_MEMORY)

    def note(self, check: PortraitCheck) -> None:
        if check.face is not None:
            self._seen.append(check.face.lid_opening)

    @property
    def value(self) -> float | None:
        return median(self._seen) if len(self._seen) >= LID_MEMORY_MIN else None


def take_portrait(
    camera: Camera,
    lamps: Lamps,
    preview: Preview,
    deadline: Deadline,
    gate: PortraitGate,
    jp2_max_bytes: int = DG2_BYTES,
) -> PortraitSample:
    """Return the portrait; `lamps` are off again on every way out.

    `preview` gets each preview frame with the hint to show now. Raises UserRetry(hint) when the time is over
    and not one picture could be cropped ("no_face" if nobody was seen), or a DeviceFault.
    """
    lids = _UsualLids()
    best: _Candidate | None = None
    with LightLoop(lamps) as light:
        for _ in range(ROUNDS):
            if not _await_good(camera, light, preview, deadline, gate, lids):
                break
            best = _better(best, _burst(camera, gate, lids.value, BURST))
            if best is not None and not best.flags:
                return _sample(best, jp2_max_bytes)
        best = best or _burst(camera, gate, None, 1)
    if best is None:
        raise UserRetry("no_face")
    return _sample(best, jp2_max_bytes)


def _await_good(
    camera: Camera,
    light: LightLoop,
    preview: Preview,
    deadline: Deadline,
    gate: PortraitGate,
    lids: _UsualLids,
) -> bool:
    """Guide until eight frames in a row are good; False when the deadline comes first."""
    steady, good = SteadyHint(), 0
    while not deadline.over:
        frame = camera.preview(min(FRAME_TIMEOUT_S, max(0.05, deadline.left_s)))
        check = gate.check(frame.bgr, lids.value)
        lids.note(check)
        light.follow(frame, check)
        good = good + 1 if check.good and not light.settling(frame.at_s) else 0
        preview(frame, replace(check, hint=steady.show(check.hint, frame.at_s)))
        if good >= GOOD_FRAMES:
            _lock(camera, frame)
            return True
    return False


def _lock(camera: Camera, frame: Frame) -> None:
    """Keep exposure and white balance as they are, as far as the camera obeys."""
    obeyed = camera.controls()
    camera.set_controls(
        CameraControls(
            exposure_us=frame.metadata.exposure_us if "exposure_us" in obeyed else None,
            gain=frame.metadata.gain if "gain" in obeyed else None,
            white_balance_locked="white_balance_locked" in obeyed,
        )
    )


def _burst(camera: Camera, gate: PortraitGate, usual_lids: float | None, count: int) -> _Candidate | None:
    """Take some stills, crop each that can be, and return the best; the camera is automatic again after."""
    taken = [camera.still(STILL_TIMEOUT_S).bgr for _ in range(count)]
    camera.set_controls(CameraControls())
    seen = [(still, gate.check_still(still, usual_lids)) for still in taken]
    seen.sort(key=lambda pair: _rank(pair[1].flags, pair[1]), reverse=True)
    best: _Candidate | None = None
    for still, check in seen:
        found = _candidate(still, check, gate)
        if found is not None and not found.flags:
            return found
        best = _better(best, found)
    return best


def _rank(flags: tuple[str, ...], check: PortraitCheck) -> tuple[int, float]:
    """Fewer things wrong first, then sharper."""
    return -len(flags), check.measures.get("sharp98", 0.0)


def _better(one: _Candidate | None, other: _Candidate | None) -> _Candidate | None:
    return max(
        (c for c in (one, other) if c is not None), key=lambda c: _rank(c.flags, c.check), default=None
    )


def _candidate(still: Pixels, seen: PortraitCheck, gate: PortraitGate) -> _Candidate | None:
    """Crop a still and check it again; None when it shows no face or not all of the crop."""
    if seen.face is None or seen.measures["crop_margin"] < 0:
        return None
    crop = crop_portrait(still, seen.face)
    again = gate.check_crop(crop)
    return _Candidate(crop, again, tuple(dict.fromkeys(seen.flags + again.flags)))


def _sample(best: _Candidate, jp2_max_bytes: int) -> PortraitSample:
    crop = best.crop
    return PortraitSample(crop, encode_jp2(crop, jp2_max_bytes), encode_jpeg(crop), best.check, best.flags)
