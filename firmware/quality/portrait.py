"""Is this a portrait for a card, and if not, what should the person do now?

The gate judges in the order size → exposure → noise → sharpness → pose → what covers the face → eyes →
mouth → background and says one hint: the first thing that is wrong. Which limit applies is data
(`portrait_rules`); each part is judged alone, a single unified score would let smiles and second faces pass.
Mean luminance refuses nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from drivers.api import Pixels
from firmware.quality import portrait_cover as cover
from firmware.quality import portrait_measures as measure
from firmware.quality import portrait_ofiq as ofiq
from firmware.quality.portrait_crop import crop_margin
from firmware.quality.portrait_face import Face, Upright, upright
from firmware.quality.portrait_models import Detection, FaceModels, Floats
from firmware.quality.portrait_rules import STANDING, LimitSet, Measures, PortraitLimits, judge

CAMERA_DARK_LEVEL = 10  # 8-bit mean; a covered lens shows only noise
EVERY = 5  # of a live picture's frames: one finds faces anew, another sees the background
SURE = 0.5
WALL_PX = 240


@dataclass(frozen=True, slots=True, eq=False)
class PortraitCheck:
    """What the gate saw: one `hint` or None when good; `flags` name every measure that failed."""

    hint: str | None
    flags: tuple[str, ...] = ()
    measures: Measures = field(default_factory=dict)
    face: Face | None = None

    @property
    def good(self) -> bool:
        return self.hint is None


class PortraitGate:
    """Checks pictures with one set of loaded models; for one thread."""

    def __init__(self, models: FaceModels, limits: LimitSet | None = None) -> None:
        self.models = models
        self.limits = limits or STANDING

    def check(self, bgr: Pixels, usual_lids: float | None = None) -> PortraitCheck:
        """Judge one preview frame by itself; `usual_lids` is this person's median lid opening so far."""
        return self._check(bgr, self.limits.live, usual_lids)

    def check_still(self, bgr: Pixels, usual_lids: float | None = None) -> PortraitCheck:
        """Judge a picture at capture size, with the final pose limits; the background is the crop's."""
        return self._check(bgr, self.limits.still, usual_lids, wall=False)

    def check_crop(self, crop: Pixels) -> PortraitCheck:
        """Judge the finished 413 × 531 crop: geometry as ISO/IEC 19794-5 stores it, and background."""
        return self._check(crop, self.limits.crop, None)

    def components(self, crop: Pixels, face: Face) -> Mapping[str, int]:
        """Return the ISO/IEC 29794-5 quality components of a crop, 0..100, for the record."""
        person = self.models.silhouette(crop)
        natives = ofiq.natives(crop, face, upright(crop, face), person)
        return {name: ofiq.scalar(name, value) for name, value in natives.items()}

    def find(self, bgr: Pixels, found: list[Detection]) -> Face | None:
        """Return the largest of the detected faces, if FaceMesh agrees that it is one."""
        if not found:
            return None
        sure, points = self.models.mesh(bgr, found[0])
        others = (found[1].width_px / found[0].width_px) ** 2 if len(found) > 1 else 0.0
        return Face(points, others) if sure > SURE else None

    def _check(
        self, bgr: Pixels, limits: PortraitLimits, usual_lids: float | None, wall: bool = True
    ) -> PortraitCheck:
        face = self.find(bgr, self.models.detect(bgr))
        if face is None:
            return no_face(bgr)
        measures = measured(bgr, face, limits)
        if wall:
            measures |= wall_measures(bgr, self.models.silhouette, measures["luminance_mean"])
        return judged(measures, face, limits, usual_lids)


class Watch:
    """Judges one person's preview frames one after the other, at less cost than each by itself.

    A face is followed by its mesh; faces are detected anew in every fifth frame, the wall is seen in another.
    """

    def __init__(self, gate: PortraitGate) -> None:
        self._gate = gate
        self._count = 0
        self._face: Face | None = None
        self._wall: dict[str, float] = {}

    def check(self, bgr: Pixels, usual_lids: float | None = None) -> PortraitCheck:
        """Judge the next frame; `usual_lids` is this person's median lid opening so far."""
        self._face = self._follow(bgr) or self._gate.find(bgr, self._gate.models.detect(bgr))
        turn, self._count = self._count % EVERY, self._count + 1
        if self._face is None:
            self._wall = {}
            return no_face(bgr)
        measures = measured(bgr, self._face, self._gate.limits.live)
        if turn == EVERY // 2 or not self._wall:
            silhouette = self._gate.models.silhouette_wide
            self._wall = wall_measures(bgr, silhouette, measures["luminance_mean"])
        return judged(measures | self._wall, self._face, self._gate.limits.live, usual_lids)

    def _follow(self, bgr: Pixels) -> Face | None:
        """Return the face near where it was; None when it is time to look for faces anew, or it has gone."""
        if self._face is None or self._count % EVERY == 0:
            return None
        sure, points = self._gate.models.mesh(bgr, around(self._face))
        return Face(points, self._face.others) if sure > SURE else None


def around(face: Face) -> Detection:
    """Return a mesh's face as the detector would give it."""
    (left, top), (right, bottom) = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    box = (float(left), float(top), float(right - left), float(bottom - top))
    return Detection(1.0, box, face.eyes)


def no_face(bgr: Pixels) -> PortraitCheck:
    """What a picture without a face says: nobody is there, or the lens sees nothing at all."""
    dark = measure.grey(bgr).mean() < CAMERA_DARK_LEVEL
    return PortraitCheck("camera_dark" if dark else "no_face", ("no_face",))


def measured(bgr: Pixels, face: Face, limits: PortraitLimits) -> dict[str, float]:
    """Return every measure of a face in its picture but the background's."""
    return _geometry(bgr, face, limits) | _face(upright(bgr, face))


def wall_measures(bgr: Pixels, silhouette: Callable[[Pixels], Floats], face_light: float) -> dict[str, float]:
    """Return how uniform the background is, and how bright beside the face's mean luminance.

    At a height of 240 px: a wall that is plain there is plain on the card, and noise does not count.
    """
    scale = WALL_PX / bgr.shape[0]
    small = np.asarray(cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    person = silhouette(small)
    return {
        "background": measure.background_gradient(small, person),
        "backlight": measure.backlight(small, person, face_light),
    }


def judged(
    measures: Mapping[str, float], face: Face, limits: PortraitLimits, usual_lids: float | None
) -> PortraitCheck:
    """Judge what was measured; `usual_lids` is this person's median lid opening so far."""
    share = {"lid_share": face.lid_opening / usual_lids} if usual_lids else {}
    every = {**measures, **share}
    hint, flags = judge(every, limits)
    return PortraitCheck(hint, flags, every, face)


def _geometry(bgr: Pixels, face: Face, limits: PortraitLimits) -> dict[str, float]:
    height, width = bgr.shape[:2]
    x, y = face.between_eyes
    return {
        "other_face": face.others,
        "eye_distance": face.inter_eye_px / height,
        "eye_distance_px": face.inter_eye_px,
        "crop_margin": crop_margin(bgr, face),
        "face_x": x / width,
        "eye_line": y / height,
        "yaw_deg": face.yaw_deg,
        "pitch_deg": face.pitch_deg - limits.pitch_neutral_deg,
        "roll_deg": face.roll_deg,
        "lid_opening": face.lid_opening,
        "mouth_opening": face.mouth_opening,
    }


def _face(turned: Upright) -> dict[str, float]:
    return {
        "under_exposed": measure.under_exposed(turned),
        "over_exposed": measure.over_exposed(turned),
        "luminance_mean": measure.luminance_mean(turned),
        "light_ratio": measure.light_ratio(turned),
        "colour_cast": measure.colour_cast(turned),
        "noise": measure.noise(turned),
        "sharp98": measure.sharp98(turned),
        "eye_light": cover.eye_light(turned),
        "eye_glare": measure.eye_glare(turned),
        "iris_opening": cover.iris_opening(turned),
        "colour_shift": cover.colour_shift(turned),
        "lip_contrast": cover.lip_contrast(turned),
        "mouth_width": cover.mouth_width(turned),
        "head_cover": cover.head_cover(turned),
    }
