"""Is this a portrait for a card, and if not, what should the person do now?

The gate judges in the order size → exposure → noise → sharpness → pose → eyes → mouth and says one
hint: the first thing that is wrong. Which limit applies is data (`PortraitLimits`); each part is judged
alone, a single unified score would let smiles and second faces pass. Mean luminance refuses nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from drivers.api import Pixels
from firmware.quality import portrait_measures as measure
from firmware.quality.portrait_crop import crop_margin
from firmware.quality.portrait_face import Face, upright
from firmware.quality.portrait_models import FaceModels

CAMERA_DARK_LEVEL = 10  # 8-bit mean; a covered lens shows only noise


@dataclass(frozen=True, slots=True)
class PortraitLimits:
    """Thresholds of one moment (live, still or crop); shares are parts of the frame's height."""

    eye_distance_min: float = 0.11
    eye_distance_max: float = 0.20
    eye_distance_min_px: float = 0.0
    crop_margin_min: float = 0.0
    face_x_min: float = 0.0
    face_x_max: float = 1.0
    eye_line_min: float = 0.0
    eye_line_max: float = 1.0
    other_face_max: float = 0.15
    under_exposed_max: float = 0.5
    over_exposed_max: float = 0.01
    light_ratio_min: float = 0.6
    light_ratio_max: float = 1.67
    noise_max: float = 4.0
    sharp98_min: float = 0.16
    yaw_max_deg: float = 8.0
    pitch_max_deg: float = 8.0
    roll_max_deg: float = 8.0
    pitch_neutral_deg: float = 9.5
    lid_opening_min: float = 0.025
    lid_share_of_median_min: float = 0.7
    mouth_opening_max: float = 0.05
    eye_glare_max: float = 0.03
    background_gradient_max: float = 12.0


# A preview is binned from the full picture: that hides a part of its noise and of its blur.
LIVE = PortraitLimits(noise_max=2.0, sharp98_min=0.18, face_x_min=0.3, face_x_max=0.7)
STILL = PortraitLimits(eye_distance_min_px=90, yaw_max_deg=5, pitch_max_deg=5, roll_max_deg=5)
CROP = replace(
    STILL,
    eye_distance_min=0.17,
    eye_distance_max=0.26,
    crop_margin_min=-1.0,
    face_x_min=0.45,
    face_x_max=0.55,
    eye_line_min=0.30,
    eye_line_max=0.50,
)

Measures = Mapping[str, float]
Fails = Callable[[Measures, PortraitLimits], bool]

# First that fails is the hint. Geometry first, then light, noise, sharpness, then the person.
RULES: tuple[tuple[str, str | None, Fails], ...] = (
    ("single_face", "one_person", lambda m, at: m["other_face"] > at.other_face_max),
    ("eye_distance", "closer", lambda m, at: m["eye_distance"] < at.eye_distance_min),
    ("eye_distance_px", "closer", lambda m, at: m["eye_distance_px"] < at.eye_distance_min_px),
    ("eye_distance", "farther", lambda m, at: m["eye_distance"] > at.eye_distance_max),
    ("crop_margin", "centre_face", lambda m, at: m["crop_margin"] < at.crop_margin_min),
    ("face_x", "centre_face", lambda m, at: not at.face_x_min <= m["face_x"] <= at.face_x_max),
    ("eye_line", "centre_face", lambda m, at: not at.eye_line_min <= m["eye_line"] <= at.eye_line_max),
    ("under_exposed", "more_light", lambda m, at: m["under_exposed"] > at.under_exposed_max),
    ("over_exposed", "too_bright", lambda m, at: m["over_exposed"] > at.over_exposed_max),
    (
        "light_ratio",
        "even_light",
        lambda m, at: not at.light_ratio_min <= m["light_ratio"] <= at.light_ratio_max,
    ),
    ("noise", "more_light", lambda m, at: m["noise"] > at.noise_max),
    ("sharp98", "hold_still", lambda m, at: m["sharp98"] < at.sharp98_min),
    ("yaw", "look_straight", lambda m, at: abs(m["yaw_deg"]) > at.yaw_max_deg),
    ("pitch", "look_straight", lambda m, at: abs(m["pitch_deg"]) > at.pitch_max_deg),
    ("roll", "head_upright", lambda m, at: abs(m["roll_deg"]) > at.roll_max_deg),
    ("lid_opening", "open_eyes", lambda m, at: m["lid_opening"] < at.lid_opening_min),
    ("lid_share", "open_eyes", lambda m, at: m.get("lid_share", 1.0) < at.lid_share_of_median_min),
    ("mouth_opening", "close_mouth", lambda m, at: m["mouth_opening"] > at.mouth_opening_max),
    ("eye_glare", None, lambda m, at: m["eye_glare"] > at.eye_glare_max),
    ("background", None, lambda m, at: m.get("background", 0.0) > at.background_gradient_max),
)


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


@dataclass(frozen=True, slots=True)
class LimitSet:
    live: PortraitLimits = LIVE
    still: PortraitLimits = STILL
    crop: PortraitLimits = CROP


class PortraitGate:
    """Checks pictures with one set of loaded models; for one thread."""

    def __init__(self, models: FaceModels, limits: LimitSet | None = None) -> None:
        self._models = models
        self._limits = limits or LimitSet()

    def check(self, bgr: Pixels, usual_lids: float | None = None) -> PortraitCheck:
        """Judge a preview frame; `usual_lids` is this person's median lid opening so far."""
        return self._check(bgr, self._limits.live, usual_lids, background=False)

    def check_still(self, bgr: Pixels, usual_lids: float | None = None) -> PortraitCheck:
        """Judge a picture at capture size, with the final pose limits."""
        return self._check(bgr, self._limits.still, usual_lids, background=False)

    def check_crop(self, crop: Pixels) -> PortraitCheck:
        """Judge the finished 413 × 531 crop: geometry as ISO/IEC 19794-5 stores it, and background."""
        return self._check(crop, self._limits.crop, None, background=True)

    def _check(
        self, bgr: Pixels, limits: PortraitLimits, usual_lids: float | None, background: bool
    ) -> PortraitCheck:
        face = self._find(bgr)
        if face is None:
            return PortraitCheck(_why_no_face(bgr), ("no_face",))
        measures = _measure(bgr, face, limits)
        if usual_lids:
            measures["lid_share"] = face.lid_opening / usual_lids
        if background:
            measures["background"] = measure.background_gradient(bgr, self._models.silhouette(bgr))
        failed = [(name, hint) for name, hint, fails in RULES if fails(measures, limits)]
        hints = [hint for _, hint in failed if hint is not None]
        flags = tuple(dict.fromkeys(name for name, _ in failed))
        return PortraitCheck(hints[0] if hints else None, flags, measures, face)

    def _find(self, bgr: Pixels) -> Face | None:
        found = self._models.detect(bgr)
        if not found:
            return None
        sure, points = self._models.mesh(bgr, found[0])
        others = (found[1].width_px / found[0].width_px) ** 2 if len(found) > 1 else 0.0
        return Face(points, others) if sure > 0.5 else None


def _why_no_face(bgr: Pixels) -> str:
    return "camera_dark" if measure.grey(bgr).mean() < CAMERA_DARK_LEVEL else "no_face"


def _measure(bgr: Pixels, face: Face, limits: PortraitLimits) -> dict[str, float]:
    height, width = bgr.shape[:2]
    x, y = face.between_eyes
    turned = upright(bgr, face)
    return {
        "other_face": face.others,
        "eye_distance": face.inter_eye_px / height,
        "eye_distance_px": face.inter_eye_px,
        "crop_margin": crop_margin(bgr, face),
        "face_x": x / width,
        "eye_line": y / height,
        "under_exposed": measure.under_exposed(turned),
        "over_exposed": measure.over_exposed(turned),
        "luminance_mean": measure.luminance_mean(turned),
        "light_ratio": measure.light_ratio(turned),
        "illumination_uniformity": measure.illumination_uniformity(turned),
        "noise": measure.noise(turned),
        "sharp98": measure.sharp98(turned),
        "yaw_deg": face.yaw_deg,
        "pitch_deg": face.pitch_deg - limits.pitch_neutral_deg,
        "roll_deg": face.roll_deg,
        "lid_opening": face.lid_opening,
        "mouth_opening": face.mouth_opening,
        "eye_glare": measure.eye_glare(turned),
    }
