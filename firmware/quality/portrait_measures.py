"""What can be measured on a portrait, one function a measure (ISO/IEC 29794-5:2025).

All but the background take the upright face; luminance is linear light, 0..1, of sRGB pixels (IEC 61966-2-1).
"""

from __future__ import annotations

import cv2
import numpy as np

from drivers.api import Pixels
from firmware.quality.portrait_face import (
    LEFT_CHEEK,
    LEFT_EYE,
    RIGHT_CHEEK,
    RIGHT_EYE,
    Upright,
)
from firmware.quality.portrait_models import Floats

DARK, BRIGHT = 26, 247  # 8-bit levels: 0..25 is under-exposed, 247..255 over-exposed
DARKEST_FACE, MIDDLE_FACE = 40.0, 140.0  # 8-bit levels
CHEEK = 0.22  # half side of a cheek patch, eye distances
EYE_BOX = (0.30, 0.17)
NOISE_REACH_PX = 1.2
BINS = 64
SECOND_DERIVATIVES = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
MAD_TO_SIGMA = 1 / 0.6745


def _linear_table() -> Floats:
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


LINEAR = _linear_table()
LUMINANCE = np.array((0.0722, 0.7152, 0.2126), np.float32)  # of linear B, G, R


def luminance(bgr: Pixels) -> Floats:
    """Return (height, width) linear luminance 0..1."""
    return np.asarray(cv2.transform(cv2.LUT(bgr, LINEAR), LUMINANCE[None]), np.float32)


def grey(bgr: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)


def under_exposed(face: Upright) -> float:
    """Share of the face at levels 0..25 (7.3.7 under-exposure prevention)."""
    return float(np.mean(grey(face.bgr)[face.skin] < DARK))


def over_exposed(face: Upright) -> float:
    """Share of the face at levels 247..255 (7.3.8 over-exposure prevention)."""
    return float(np.mean(grey(face.bgr)[face.skin] >= BRIGHT))


def cheeks(face: Upright) -> tuple[Floats, Floats]:
    """Return the luminance of the left and the right cheek patch."""
    light = luminance(face.bgr)
    return _patch(face, light, LEFT_CHEEK), _patch(face, light, RIGHT_CHEEK)


def light_ratio(face: Upright) -> float:
    """Light on the left cheek over that on the right; 1 is even."""
    left, right = (float(cheek.mean()) for cheek in cheeks(face))
    return (left + 1e-3) / (right + 1e-3)


def illumination_uniformity(face: Upright) -> float:
    """Intersection 0..1 of the cheeks' luminance histograms (7.3.3 illumination uniformity)."""
    left, right = (np.histogram(cheek, bins=BINS, range=(0, 1))[0] / cheek.size for cheek in cheeks(face))
    return float(np.minimum(left, right).sum())


def luminance_mean(face: Upright) -> float:
    """Mean luminance of the face; recorded only: it judges skin, not light, so nothing is refused by it."""
    return float(luminance(face.bgr)[face.skin].mean())


def noise(face: Upright) -> float:
    """Standard deviation of the noise in 8-bit levels, from second derivatives that flat skin lacks.

    Immerkær, Fast Noise Variance Estimation (CVIU 64, 1996), with the median so that hair does not count.
    """
    rough = np.abs(cv2.filter2D(grey(face.bgr), cv2.CV_32F, SECOND_DERIVATIVES)[face.skin])
    return float(np.median(rough)) * MAD_TO_SIGMA / 6


def sharp98(face: Upright) -> float:
    """98th percentile of the gradient inside the face, as if the face were of a middle grey.

    Edges fade with the light that falls on a face and with its skin: their contrast is what tells blur.
    """
    level = grey(face.bgr).astype(np.float32)
    across, down = (cv2.Sobel(level, cv2.CV_32F, *order, ksize=3, scale=0.25) for order in ((1, 0), (0, 1)))
    steep = cv2.magnitude(across, down)[face.skin]
    last = int(0.98 * (steep.size - 1))
    usual = max(DARKEST_FACE, float(np.median(level[face.skin])))
    return float(np.partition(steep, last)[last]) / 255 * MIDDLE_FACE / usual


def eye_glare(face: Upright) -> float:
    """Over-exposed share of the eye boxes: reflections of spectacles; 0 where the whole face is bright."""
    bright, skin = grey(face.bgr) >= BRIGHT, face.skin.copy()
    half = (EYE_BOX[0] * face.eye_px, EYE_BOX[1] * face.eye_px)
    shares = []
    for corners in (LEFT_EYE, RIGHT_EYE):
        x, y = face.face.points[list(corners), :2].mean(axis=0)
        shares.append(box(bright, x, y, *half).mean())
        box(skin, x, y, *half)[:] = False
    share, elsewhere = float(np.mean(shares)), float(bright[skin].mean())
    return share if share > 6 * elsewhere else 0.0


def backlight(bgr: Pixels, person: Floats, face_light: float) -> float:
    """Light of the wall over the light of the face (`face_light`, its mean luminance); 0 without a wall."""
    wall = luminance(bgr)[person < 0.3]
    return float(wall.mean()) / max(face_light, 1e-3) if wall.size else 0.0


def background_gradient(bgr: Pixels, person: Floats) -> float:
    """Mean gradient of the background's grey levels, for the gate; 0 is uniform.

    `person` (height, width) is 1 on the person. The rim of the person does not count, nor does noise.
    """
    return gradient_behind(cv2.GaussianBlur(grey(bgr), (0, 0), NOISE_REACH_PX), person)


def gradient_behind(plane: np.ndarray, person: Floats) -> float:
    """Mean Sobel gradient of a plane where nobody is; 0 where the person fills the picture."""
    rim = max(3, plane.shape[0] // 40)
    near = cv2.dilate((person > 0.3).astype(np.uint8), np.ones((rim, rim), np.uint8))
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    behind = np.hypot(across, down)[near == 0]
    return float(behind.mean()) if behind.size else 0.0


def colour_cast(face: Upright) -> float:
    """CIELAB distance of the cheeks' mean colour from skin's: a* 5..25, b* 5..35 (7.3.10 natural colour)."""
    patches = [_patch(face, face.bgr, point).reshape(-1, 3) for point in (LEFT_CHEEK, RIGHT_CHEEK)]
    mean = np.concatenate(patches).mean(axis=0, dtype=np.float32) / 255
    _, a, b = cv2.cvtColor(mean.reshape(1, 1, 3), cv2.COLOR_BGR2LAB)[0, 0]
    return float(np.hypot(max(0, 5 - a, a - 25), max(0, 5 - b, b - 35)))


def _patch(face: Upright, light: np.ndarray, point: int) -> np.ndarray:
    x, y = face.face.points[point, :2]
    return box(light, x, y, CHEEK * face.eye_px, CHEEK * face.eye_px)


def box(plane: np.ndarray, x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
    """Cut a box out of a plane, at least one pixel even where the point lies outside."""
    top, left = (
        int(np.clip(at, 0, size - 1))
        for at, size in zip((y - half_height, x - half_width), plane.shape[:2], strict=True)
    )
    return plane[top : max(top + 1, int(y + half_height)), left : max(left + 1, int(x + half_width))]
