"""What covers or closes a part of the face: mask, hand, dark glasses, lids; measures of our own.

All take the upright face. They compare the face with itself, so that no complexion is the norm: a mask by
its colour beside the brow's, a hand by lips that cannot be told from skin, dark glasses by eyes in the dark.
"""

from __future__ import annotations

import cv2
import numpy as np

from firmware.quality import portrait_measures as measure
from firmware.quality.portrait_face import LEFT_EYE, RIGHT_EYE, Upright
from firmware.quality.portrait_models import Floats

BROW, CHIN_FRONT, NOSE_TIP = (151, 9), (199,), (4,)  # FaceMesh's point numbers
BESIDE_NOSE = (205, 425)
LIPS, AROUND_LIPS = (13, 14, 0, 17), (164, 200, *BESIDE_NOSE)
MOUTH_CORNERS = (61, 291)
PATCH = 0.06  # half side of a colour patch, eye distances
EYE_REACH = (0.27, 0.16)
IRIS_BOX, IRIS_COLUMNS = (0.20, 0.22), 0.10
HAIR_BAND = (0.80, 1.05)  # above the eyes, eye distances
CLOTH_CHROMA, CLOTH_SHIFT = 10.0, 12.0


def colour_shift(face: Upright) -> float:
    """Largest CIELAB a*b* distance of nose, cheek folds and chin to the brow: a mask or a scarf over them."""
    colours = _lab(face, BROW, BESIDE_NOSE, NOSE_TIP, CHIN_FRONT)
    return float(np.hypot(*(colours[1:, 1:] - colours[0, 1:]).T).max())


def lip_contrast(face: Upright) -> float:
    """How much redder (CIELAB a*), or a fifth of how much darker, lips are than the skin around them."""
    lips, around = _lab(face, LIPS, AROUND_LIPS)
    return float(max(lips[1] - around[1], (around[0] - lips[0]) / 5))


def eye_light(face: Upright) -> float:
    """Brightest tenth of the darker eye's box over the cheeks' light: near 0 behind dark glasses."""
    light = measure.luminance(face.bgr)
    cheek = np.mean([patch.mean() for patch in measure.cheeks(face)]) + 1e-3
    boxes = [_around(light, face, corners, EYE_REACH) for corners in (LEFT_EYE, RIGHT_EYE)]
    return float(min(np.percentile(box, 90) for box in boxes) / cheek)


def iris_opening(face: Upright) -> float:
    """Height of the dark between the lids of the eye that shows less, in eye distances.

    An iris gives .08 and more, the lashes of a closed eye .03. FaceMesh alone keeps closed lids half open.
    """
    level = measure.grey(face.bgr)
    return min(
        _dark_height(_around(level, face, eye, IRIS_BOX), face.eye_px) for eye in (LEFT_EYE, RIGHT_EYE)
    )


def mouth_width(face: Upright) -> float:
    """Distance of the mouth's corners in eye distances: a smile widens it. Recorded only."""
    left, right = face.face.points[list(MOUTH_CORNERS), :2]
    return float(np.hypot(*(right - left))) / face.eye_px


def head_cover(face: Upright) -> float:
    """Share of the band over the brow that is coloured as neither hair nor this skin. Recorded only.

    Head-dress is allowed where the face is clear (Circular 07/2016 art. 12). Black cloth passes for hair.
    """
    middle = face.face.between_eyes
    top, bottom = (round(middle[1] - above * face.eye_px) for above in reversed(HAIR_BAND))
    left, right = (round(middle[0] + side * 0.5 * face.eye_px) for side in (-1, 1))
    band = face.bgr[max(0, top) : max(1, bottom), max(0, left) : max(1, right)]
    a, b = np.moveaxis(_to_lab(band.reshape(1, -1, 3))[0, :, 1:], -1, 0)
    _, brow_a, brow_b = _lab(face, BROW)[0]
    cloth = (np.hypot(a, b) > CLOTH_CHROMA) & (np.hypot(a - brow_a, b - brow_b) > CLOTH_SHIFT)
    return float(cloth.mean()) if cloth.size else 0.0


def _lab(face: Upright, *zones: tuple[int, ...]) -> Floats:
    """(zones, 3): CIELAB of each zone's mean colour."""
    half = PATCH * face.eye_px
    colours = []
    for points in zones:
        patches = [measure.box(face.bgr, x, y, half, half) for x, y, _ in face.face.points[list(points)]]
        colours.append(np.concatenate([patch.reshape(-1, 3) for patch in patches]).mean(axis=0))
    return np.asarray(_to_lab(np.array([colours]))[0])


def _to_lab(bgr: np.ndarray) -> Floats:
    return np.asarray(cv2.cvtColor((bgr / 255).astype(np.float32), cv2.COLOR_BGR2LAB), np.float32)


def _around(
    plane: np.ndarray, face: Upright, corners: tuple[int, int], reach: tuple[float, float]
) -> np.ndarray:
    """Cut the box around one eye."""
    x, y = face.face.points[list(corners), :2].mean(axis=0)
    return measure.box(plane, x, y, reach[0] * face.eye_px, reach[1] * face.eye_px)


def _dark_height(eye: np.ndarray, eye_px: float) -> float:
    """Mean of the longest dark runs of the columns that have the longest, in eye distances."""
    darkest, usual = np.percentile(eye, (2, 60))
    dark = eye < darkest + 0.4 * (usual - darkest)
    run = longest = np.zeros(eye.shape[1])
    for row in dark:
        run = (run + 1) * row
        longest = np.maximum(longest, run)
    columns = max(3, int(IRIS_COLUMNS * eye_px))
    return float(np.sort(longest)[-columns:].mean()) / eye_px
