"""The limits of each moment, and the rules that turn measures into one hint: data, in order of importance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace


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
    backlight_max: float = 12.0
    colour_cast_max: float = 10.0
    noise_max: float = 4.0
    sharp98_min: float = 0.16
    yaw_max_deg: float = 8.0
    pitch_max_deg: float = 8.0
    roll_max_deg: float = 8.0
    pitch_neutral_deg: float = 9.2
    eye_light_min: float = 0.3
    colour_shift_max: float = 14.0
    lip_contrast_min: float = 0.85
    lid_opening_min: float = 0.025
    iris_opening_min: float = 0.05
    lid_share_of_median_min: float = 0.7
    mouth_opening_max: float = 0.05
    eye_glare_max: float = 0.03
    background_gradient_max: float = 12.0


# A preview is binned from the full picture: that hides a part of its noise and of its blur.
LIVE = PortraitLimits(noise_max=2.0, sharp98_min=0.175, face_x_min=0.3, face_x_max=0.7)
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

# (measure, hint, fails): the first that fails is the hint. Size, light, noise, sharpness, then the person.
RULES: tuple[tuple[str, str, Fails], ...] = (
    ("single_face", "one_person", lambda m, at: m["other_face"] > at.other_face_max),
    ("eye_distance", "closer", lambda m, at: m["eye_distance"] < at.eye_distance_min),
    ("eye_distance_px", "closer", lambda m, at: m["eye_distance_px"] < at.eye_distance_min_px),
    ("eye_distance", "farther", lambda m, at: m["eye_distance"] > at.eye_distance_max),
    ("crop_margin", "centre_face", lambda m, at: m["crop_margin"] < at.crop_margin_min),
    ("face_x", "centre_face", lambda m, at: not at.face_x_min <= m["face_x"] <= at.face_x_max),
    ("eye_line", "centre_face", lambda m, at: not at.eye_line_min <= m["eye_line"] <= at.eye_line_max),
    ("backlight", "light_behind", lambda m, at: m.get("backlight", 0.0) > at.backlight_max),
    ("under_exposed", "more_light", lambda m, at: m["under_exposed"] > at.under_exposed_max),
    ("eye_glare", "no_glasses", lambda m, at: m["eye_glare"] > at.eye_glare_max),
    ("over_exposed", "too_bright", lambda m, at: m["over_exposed"] > at.over_exposed_max),
    (
        "light_ratio",
        "even_light",
        lambda m, at: not at.light_ratio_min <= m["light_ratio"] <= at.light_ratio_max,
    ),
    ("colour_cast", "more_light", lambda m, at: m["colour_cast"] > at.colour_cast_max),
    ("noise", "more_light", lambda m, at: m["noise"] > at.noise_max),
    ("iris_opening", "open_eyes", lambda m, at: m["iris_opening"] < at.iris_opening_min),
    ("sharp98", "hold_still", lambda m, at: m["sharp98"] < at.sharp98_min),
    ("eye_light", "no_glasses", lambda m, at: m["eye_light"] < at.eye_light_min),
    ("colour_shift", "uncover_face", lambda m, at: m["colour_shift"] > at.colour_shift_max),
    ("mouth_opening", "close_mouth", lambda m, at: m["mouth_opening"] > at.mouth_opening_max),
    ("lip_contrast", "uncover_face", lambda m, at: m["lip_contrast"] < at.lip_contrast_min),
    ("yaw", "look_straight", lambda m, at: abs(m["yaw_deg"]) > at.yaw_max_deg),
    ("pitch", "look_straight", lambda m, at: abs(m["pitch_deg"]) > at.pitch_max_deg),
    ("roll", "head_upright", lambda m, at: abs(m["roll_deg"]) > at.roll_max_deg),
    ("lid_opening", "open_eyes", lambda m, at: m["lid_opening"] < at.lid_opening_min),
    ("lid_share", "open_eyes", lambda m, at: m.get("lid_share", 1.0) < at.lid_share_of_median_min),
    (
        "background",
        "plain_background",
        lambda m, at: m.get("background", 0.0) > at.background_gradient_max,
    ),
)


@dataclass(frozen=True, slots=True)
class LimitSet:
    """The limits of preview frames, of stills, and of the finished crop."""

    live: PortraitLimits = LIVE
    still: PortraitLimits = STILL
    crop: PortraitLimits = CROP


STANDING = LimitSet()
# At home a person sits, or lies propped up: a lens that nobody can level, wall and light as they are.
SEATED = LimitSet(
    live=replace(
        LIVE, eye_distance_min=0.09, face_x_min=0.2, face_x_max=0.8, pitch_max_deg=12, roll_max_deg=12
    ),
    still=replace(STILL, eye_distance_min=0.09, pitch_max_deg=8, roll_max_deg=12),
    crop=replace(CROP, pitch_max_deg=8),
)
PROFILES: Mapping[str, LimitSet] = {"standing": STANDING, "seated": SEATED}


def judge(measures: Measures, limits: PortraitLimits) -> tuple[str | None, tuple[str, ...]]:
    """Return the hint, None when all is well, and the name of every measure that failed."""
    failed = [(name, hint) for name, hint, fails in RULES if fails(measures, limits)]
    return failed[0][1] if failed else None, tuple(dict.fromkeys(name for name, _ in failed))
