"""Take one portrait: guide the person by hints, light the face, burst, keep the best, crop, check again.

Runs on the camera's worker thread. Nobody is held here for ever: after three failed rounds or the deadline
the best picture is handed over with its flags, for the officer to decide.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from drivers.api import Camera, Deadline, Frame, Pixels
from drivers.errors import UserRetry
from firmware.quality import GOOD_FRAMES
from firmware.quality.portrait import PortraitCheck, PortraitGate, Watch
from firmware.quality.portrait_crop import crop_portrait, encode_jp2, encode_jpeg
from firmware.quality.portrait_light import LIGHT_FLAGS, Lamps, LightLoop

Preview = Callable[[Frame, PortraitCheck], None]

HINT_STEADY_S = 0.4
BURST = 5
ROUNDS = 3
FRAME_TIMEOUT_S, STILL_TIMEOUT_S = 1.5, 3.0
LID_MEMORY, LID_MEMORY_MIN = 90, 8
KEEP_AFTER_S, KEEP_EVERY_S = 12.0, 2.0  # who is long in front of the camera has a picture kept now and then
DG2_BYTES = 15_000


@dataclass(frozen=True, slots=True, eq=False)
class PortraitSample:
    """A finished portrait: `crop` (531, 413, 3), `jp2` for DG2, `jpeg` for the record.

    `flags` names what is not as it should be, empty for a good one; `check` is of the crop; `components` are
    its ISO/IEC 29794-5 quality components, 0..100.
    """

    crop: Pixels
    jp2: bytes
    jpeg: bytes
    check: PortraitCheck
    flags: tuple[str, ...]
    components: Mapping[str, int] = field(default_factory=dict)

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
    """The median lid opening of this person with open eyes, once enough frames have been seen."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=LID_MEMORY)

    def note(self, check: PortraitCheck) -> None:
        if check.face is not None and "iris_opening" not in check.flags:
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

    `preview` gets each preview frame with the hint to show now. Raises UserRetry when the time is over and
    not one picture could be cropped: its reason is "no_face" if nobody was seen, else the last hint; or a
    DeviceFault.
    """
    with LightLoop(lamps, camera) as light:
        best = _Session(camera, light, preview, deadline, gate).run()
    components = gate.components(best.crop, best.check.face) if best.check.face else {}
    jp2, jpeg = encode_jp2(best.crop, jp2_max_bytes), encode_jpeg(best.crop)
    return PortraitSample(best.crop, jp2, jpeg, best.check, best.flags, components)


class _Session:
    """One person before the camera, from the first frame to the best picture of them."""

    def __init__(
        self, camera: Camera, light: LightLoop, preview: Preview, deadline: Deadline, gate: PortraitGate
    ) -> None:
        self._camera, self._light, self._gate = camera, light, gate
        self._preview, self._deadline = preview, deadline
        self._watch, self._lids, self._steady = Watch(gate), _UsualLids(), SteadyHint()
        self._best: _Candidate | None = None
        self._began_s: float | None = None
        self._kept_s = float("-inf")
        self._missing = "no_face"

    def run(self) -> _Candidate:
        """Return the best picture, a good one as soon as there is one. Raises as `take_portrait`."""
        for _ in range(ROUNDS):
            if not self._await_good():
                break
            self._burst(BURST)
            if self._best is not None and not self._best.flags:
                return self._best
        else:
            if self._best is not None:
                return self._best
        self._burst(BURST)
        if self._best is None:
            raise UserRetry(self._missing)
        return self._best

    def _await_good(self) -> bool:
        """Guide until eight frames in a row are as good as they get; False when the deadline comes first."""
        good = 0
        while not self._deadline.over:
            frame = self._camera.preview(min(FRAME_TIMEOUT_S, max(0.05, self._deadline.left_s)))
            check = self._watch.check(frame.bgr, self._lids.value)
            self._lids.note(check)
            self._light.follow(frame, check)
            good = good + 1 if self._ready(frame, check) else 0
            self._missing = check.hint or self._missing
            self._preview(frame, replace(check, hint=self._steady.show(check.hint, frame.at_s)))
            if good >= GOOD_FRAMES:
                self._light.lock(frame)
                return True
            self._keep(frame, check)
        return False

    def _ready(self, frame: Frame, check: PortraitCheck) -> bool:
        """Good, and not in a change of light; or only the light is wrong and nobody can give better."""
        if self._light.settling(frame.at_s):
            return False
        return check.good or (self._light.at_its_end and set(check.flags) <= LIGHT_FLAGS)

    def _keep(self, frame: Frame, check: PortraitCheck) -> None:
        """Take a picture now and then of somebody who does not get it right: the deadline finds the best."""
        self._began_s = frame.at_s if self._began_s is None else self._began_s
        waited = frame.at_s - self._began_s >= KEEP_AFTER_S and frame.at_s - self._kept_s >= KEEP_EVERY_S
        better = self._best is None or len(check.flags) < len(self._best.flags)
        if waited and better and check.face is not None and check.measures["crop_margin"] >= 0:
            self._kept_s = frame.at_s
            self._burst(1)

    def _burst(self, count: int) -> None:
        """Take some stills and keep the best crop of them; the camera is automatic again after."""
        taken = [self._camera.still(STILL_TIMEOUT_S).bgr for _ in range(count)]
        if count == BURST:
            self._light.unlock()
        seen = [(still, self._gate.check_still(still, self._lids.value)) for still in taken]
        seen.sort(key=lambda pair: _rank(pair[1].flags, pair[1]), reverse=True)
        for still, check in seen:
            found = _candidate(still, check, self._gate)
            self._best = _better(self._best, found)
            if found is not None and not found.flags:
                break


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
