"""From a good still to the picture on the card: 35 × 45 mm at 300 dpi, no retouching, and its encodings.

The crop turns the head upright, scales it and cuts; not one pixel is brightened, smoothed or made up.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from drivers.api import Pixels
from firmware.quality.portrait_face import Face, similarity

WIDTH_PX, HEIGHT_PX = 413, 531
EYE_DISTANCE_PX = 120.0
EYE_LINE = 0.44  # of the height, from the top; ISO/IEC 19794-5 allows .30 to .50
EYES_TO_CHIN_MAX = 0.38  # of the height: the head then fills three quarters of it (ICAO: 70 to 80 %)
JPEG_QUALITY = 92


class PortraitTooLargeError(Exception):
    """The encoder could not keep the picture within the bytes that the chip has for it."""


def crop_map(face: Face) -> np.ndarray:
    """Return the (2, 3) map from the still to the crop."""
    scale = min(
        EYE_DISTANCE_PX / face.inter_eye_px,
        EYES_TO_CHIN_MAX * HEIGHT_PX / face.eyes_to_chin_px,
    )
    return similarity(face, scale, (WIDTH_PX / 2, EYE_LINE * HEIGHT_PX))


def crop_margin(bgr: Pixels, face: Face) -> float:
    """How far inside the frame the crop lies, in parts of the frame's height; negative: it sticks out."""
    height, width = bgr.shape[:2]
    corners = np.array(((0, 0, 1), (WIDTH_PX, 0, 1), (0, HEIGHT_PX, 1), (WIDTH_PX, HEIGHT_PX, 1)))
    x, y = (corners @ cv2.invertAffineTransform(crop_map(face)).T).T
    return float(min(x.min(), y.min(), (width - x).min(), (height - y).min()) / height)


def crop_portrait(bgr: Pixels, face: Face) -> Pixels:
    """Return the (531, 413, 3) picture. Raises ValueError if the still does not hold all of it."""
    if crop_margin(bgr, face) < 0:
        raise ValueError("the crop would reach beyond the still")
    turn = crop_map(face)
    shrink = float(np.hypot(*turn[:, 0]))
    if shrink < 0.7:  # soften first, or fine patterns would alias
        bgr = np.asarray(cv2.GaussianBlur(bgr, (0, 0), 0.4 / shrink), np.uint8)
    return np.asarray(cv2.warpAffine(bgr, turn, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_CUBIC), np.uint8)


def encode_jp2(crop: Pixels, max_bytes: int = 15_000) -> bytes:
    """Return a JPEG 2000 file (ISO/IEC 15444-1) of at most `max_bytes`. Raises PortraitTooLargeError."""
    raw_bytes = crop.size
    for aim in (0.995, 0.97, 0.93, 0.85):
        file = io.BytesIO()
        _picture(crop).save(
            file,
            "JPEG2000",
            quality_mode="rates",
            quality_layers=[raw_bytes / (max_bytes * aim)],
            irreversible=True,
            mct=1,
        )
        if file.tell() <= max_bytes:
            return file.getvalue()
    raise PortraitTooLargeError(f"no JPEG 2000 within {max_bytes} bytes")


def encode_jpeg(crop: Pixels, quality: int = JPEG_QUALITY) -> bytes:
    """Return a baseline JPEG (300 dpi, no subsampling) for the record."""
    file = io.BytesIO()
    _picture(crop).save(file, "JPEG", quality=quality, subsampling=0, dpi=(300, 300), optimize=True)
    return file.getvalue()


def _picture(bgr: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1]))
