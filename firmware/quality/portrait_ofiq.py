"""The quality components of ISO/IEC 29794-5 that can be computed as OFIQ (BSI, MIT) defines them.

A component has a native measure and a scalar, 0..100. `scalar` maps every native of OFIQ's published table;
`natives` measures those that need no model of OFIQ's own. What we measure otherwise (sharpness, noise, pose,
expression, coverings) has names of ours in `portrait_measures` and is never put through a scalar from here.
Scalars are for the record: the gate judges each measure alone, and nobody is refused by mean luminance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, exp, floor, pi, radians, sin

import numpy as np

from drivers.api import Pixels
from firmware.quality import portrait_measures as measure
from firmware.quality.portrait_face import Face, Upright
from firmware.quality.portrait_models import Floats

Scalar = Callable[[float], float]
LEVELS = 256


def sigmoid(x: float, middle: float, width: float) -> float:
    """S(x, x0, w) of ISO/IEC 29794-5, 6.3."""
    return 1 / (1 + exp((middle - x) / width))


def _rising(middle: float, width: float) -> Scalar:
    return lambda x: 100 * sigmoid(x, middle, width)


def _share_left(x: float) -> float:
    return 100 * (1 - x)


def _pose(degrees: float) -> float:
    return 100 * max(0.0, cos(radians(degrees))) ** 2


def _head_coverings(x: float) -> float:
    """A falling sigmoid cut at 0 and .95, so that no covering at all is 100."""
    if not 0 < x < 0.95:
        return 100.0 if x <= 0 else 0.0
    least, most, here = (1 - sigmoid(at, 0.02, 0.1) for at in (0.95, 0.0, x))
    return 100 * (here - least) / (most - least)


SCALARS: Mapping[str, Scalar] = {  # ISO/IEC 29794-5:2025, clause 7; the constants are OFIQ's
    "unified_quality_score": _rising(23, 2.6),  # 7.2
    "background_uniformity": lambda x: 190 * (1 - sigmoid(x, 10, 100)),  # 7.3.2
    "illumination_uniformity": lambda x: 100 * x**0.3,  # 7.3.3
    "luminance_mean": lambda x: 100 * sigmoid(x, 0.2, 0.05) * (1 - sigmoid(x, 0.8, 0.05)),  # 7.3.4
    "luminance_variance": lambda x: 100 * sin(pi * 60 * x / (60 * x + 1)),  # 7.3.4
    "under_exposure_prevention": lambda x: 120 * (0.832 - sigmoid(x, 0.92, 0.05)),  # 7.3.5
    "over_exposure_prevention": lambda x: 1 / (x + 0.01),  # 7.3.6
    "dynamic_range": lambda x: 12.5 * x,  # 7.3.7
    "sharpness": lambda x: -14 + 115 * sigmoid(x, -20, 15),  # 7.3.8
    "compression_artifacts": lambda x: 103 * (sigmoid(x, 0.3308, 0.092) - 0.0278),  # 7.3.9
    "natural_colour": lambda x: 200 * (1 - sigmoid(x, 0, 10)),  # 7.3.10
    "single_face_present": _share_left,  # 7.4.2
    "eyes_open": _rising(0.02, 0.01),  # 7.4.3
    "mouth_closed": lambda x: 100 * (1 - sigmoid(x, 0.2, 0.06)),  # 7.4.4
    "eyes_visible": _share_left,  # 7.4.5
    "mouth_occlusion_prevention": _share_left,  # 7.4.6
    "face_occlusion_prevention": _share_left,  # 7.4.7
    "inter_eye_distance": _rising(70, 20),  # 7.4.8
    "head_size": lambda x: 200 * (1 - sigmoid(abs(x - 0.45), 0, 0.05)),  # 7.4.9
    "leftward_crop_of_the_face_image": _rising(0.9, 0.1),  # 7.4.10
    "rightward_crop_of_the_face_image": _rising(0.9, 0.1),  # 7.4.10
    "margin_above_of_the_face_image": _rising(1.4, 0.1),  # 7.4.10
    "margin_below_of_the_face_image": _rising(1.8, 0.1),  # 7.4.10
    "head_pose_yaw": _pose,  # 7.4.11
    "head_pose_pitch": _pose,  # 7.4.11
    "head_pose_roll": _pose,  # 7.4.11
    "expression_neutrality": _rising(-5000, 5000),  # 7.4.12
    "no_head_coverings": _head_coverings,  # 7.4.13
}


def scalar(component: str, native: float) -> int:
    """Return the quality component value 0..100 of a native measure; raises KeyError for an unknown name."""
    return min(100, max(0, floor(SCALARS[component](native) + 0.5)))


def natives(bgr: Pixels, face: Face, turned: Upright, person: Floats | None = None) -> dict[str, float]:
    """Return the native measures of a picture with one main face.

    `turned` is the upright face of it, `person` (height, width) its silhouette, 1 on the person; without one
    there is no background uniformity.
    """
    background = {} if person is None else {"background_uniformity": background_uniformity(bgr, person)}
    return background | _light(turned) | _subject(face) | _geometry(bgr, face)


def _light(turned: Upright) -> dict[str, float]:
    light = measure.luminance(turned.bgr)
    shares = _histogram(light[turned.skin])
    level = np.arange(LEVELS) / (LEVELS - 1)
    mean = float(shares @ level)
    left, right = (_histogram(cheek) for cheek in measure.cheeks(turned))
    there = shares[shares > 0]
    return {
        "illumination_uniformity": float(np.minimum(left, right).sum()),
        "luminance_mean": mean,
        "luminance_variance": float(shares @ np.square(level - mean)),
        "under_exposure_prevention": float(shares[: measure.DARK].sum()),
        "over_exposure_prevention": float(shares[measure.BRIGHT :].sum()),
        "dynamic_range": float(-there @ np.log2(there)),
        "natural_colour": measure.colour_cast(turned),
    }


def _histogram(light: Floats) -> Floats:
    """Shares of the 256 levels of linear luminance 0..1."""
    levels = np.clip(light * (LEVELS - 1) + 0.5, 0, LEVELS - 1).astype(np.uint8)
    counts = np.bincount(levels.reshape(-1), minlength=LEVELS)
    return np.asarray(counts / max(1, levels.size), np.float32)


def _subject(face: Face) -> dict[str, float]:
    return {
        "single_face_present": min(1.0, face.others),
        "eyes_open": face.lid_opening,
        "mouth_closed": face.mouth_opening,
        "inter_eye_distance": face.inter_eye_px,
    }


def _geometry(bgr: Pixels, face: Face) -> dict[str, float]:
    """Head size and margins in T, eye midpoint to chin; crops at the sides in eye distances."""
    height, width = bgr.shape[:2]
    (x, y), between, t = face.between_eyes, face.inter_eye_px, face.eyes_to_chin_px
    return {
        "head_size": t / height,
        "leftward_crop_of_the_face_image": x / between,
        "rightward_crop_of_the_face_image": (width - x) / between,
        "margin_above_of_the_face_image": y / t,
        "margin_below_of_the_face_image": (height - y) / t,
    }


def background_uniformity(bgr: Pixels, person: Floats) -> float:
    """Mean Sobel gradient of the background's luminance in 8-bit levels; 0 is uniform."""
    return measure.gradient_behind(measure.luminance(bgr) * (LEVELS - 1), person)
