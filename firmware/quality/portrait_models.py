"""The three face models, run by OpenCV alone: BlazeFace, FaceMesh and the person's silhouette.

The files come from `deploy/models/fetch`. Coordinates that leave this module are pixels of the picture that
went in, x to the right and y down; `left` and `right` are the picture's, not the person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.api import Pixels

Floats = NDArray[np.float32]

DETECTOR, LANDMARKS, SILHOUETTE, SILHOUETTE_WIDE = (
    "face_detection_short_range.tflite",
    "face_landmark.tflite",
    "selfie_segmentation.tflite",
    "selfie_segmentation_landscape.tflite",
)
DETECTOR_PX, LANDMARKS_PX = 128, 192
SILHOUETTE_PX, SILHOUETTE_WIDE_PX = (256, 256), (256, 144)  # width, height
STRIDES = ((8, 2), (16, 6))  # BlazeFace short range: feature map stride, anchors in each cell
SURE = 0.5
OVERLAP = 0.3
MESH_MARGIN = 1.5  # FaceMesh was trained on the detected box enlarged by half


class ModelsMissingError(Exception):
    """A model file is absent or unreadable; the text says which and what to run."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face of BlazeFace: `box` (left, top, width, height) px, `eyes` (2, 2) left then right, px."""

    score: float
    box: tuple[float, float, float, float]
    eyes: Floats

    @property
    def width_px(self) -> float:
        return self.box[2]


class FaceModels:
    """The loaded networks; for one thread. Raises ModelsMissingError."""

    def __init__(self, folder: Path) -> None:
        self._detector = _load(folder / DETECTOR)
        self._landmarks = _load(folder / LANDMARKS)
        self._silhouette = _load(folder / SILHOUETTE)
        self._silhouette_wide = _load(folder / SILHOUETTE_WIDE)
        self._anchors = _anchors()

    def detect(self, bgr: Pixels) -> list[Detection]:
        """Return the faces (within about two metres), the largest first."""
        side = max(bgr.shape[:2])
        small = _letterbox(bgr, DETECTOR_PX)
        blob = cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5,) * 3, swapRB=True)
        self._detector.setInput(blob)
        scores, boxes = self._detector.forward(("classificators", "regressors"))
        found = self._decode(_floats(scores).reshape(-1), _floats(boxes).reshape(-1, 16), side)
        return sorted(found, key=lambda face: -face.width_px)

    def mesh(self, bgr: Pixels, face: Detection) -> tuple[float, Floats]:
        """Return how sure FaceMesh is (0..1) that this is a face, and its 468 points (x, y, z) in px."""
        to_patch = _mesh_window(face)
        patch = cv2.warpAffine(bgr, to_patch, (LANDMARKS_PX, LANDMARKS_PX))
        self._landmarks.setInput(cv2.dnn.blobFromImage(patch, 1 / 255, swapRB=True))
        score, flat = self._landmarks.forward(("conv2d_31", "conv2d_21"))
        points = _floats(flat).reshape(468, 3).copy()
        back = _floats(cv2.invertAffineTransform(to_patch))
        points[:, :2] = points[:, :2] @ back[:, :2].T + back[:, 2]
        points[:, 2] *= float(np.hypot(*back[:, 0]))
        return float(1 / (1 + np.exp(-score.item()))), points

    def silhouette(self, bgr: Pixels) -> Floats:
        """Return (height, width) float32: 1 where the person is, 0 where the background is."""
        return _person(self._silhouette, bgr, SILHOUETTE_PX)

    def silhouette_wide(self, bgr: Pixels) -> Floats:
        """The same at half the cost, a little coarser: for live pictures."""
        return _person(self._silhouette_wide, bgr, SILHOUETTE_WIDE_PX)

    def _decode(self, logits: Floats, values: Floats, side: int) -> list[Detection]:
        scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
        sure = np.flatnonzero(scores > SURE)
        points = values[sure].reshape(-1, 8, 2) / DETECTOR_PX  # centre, size, then six key points
        points[:, [0, 2, 3, 4, 5, 6, 7]] += self._anchors[sure, None]
        points *= side
        boxes = np.concatenate([points[:, 0] - points[:, 1] / 2, points[:, 1]], axis=1)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores[sure].tolist(), SURE, OVERLAP)
        return [
            Detection(float(scores[sure[i]]), tuple(boxes[i].tolist()), _floats(points[i, 2:4]))
            for i in np.asarray(kept, dtype=int).reshape(-1)
        ]


def _person(net: cv2.dnn.Net, bgr: Pixels, size: tuple[int, int]) -> Floats:
    net.setInput(cv2.dnn.blobFromImage(bgr, 1 / 255, size, swapRB=True))
    mask = _floats(net.forward()).reshape(size[1], size[0])
    return cv2.resize(mask, (bgr.shape[1], bgr.shape[0])).astype(np.float32)


def _load(path: Path) -> cv2.dnn.Net:
    if not path.is_file():
        raise ModelsMissingError(f"no face model at {path}: run deploy/models/fetch {path.parent}")
    classic = getattr(cv2.dnn, "ENGINE_CLASSIC", None)  # OpenCV 5's new engine hides outputs
    try:
        if classic is None:
            return cv2.dnn.readNetFromTFLite(str(path))
        return cv2.dnn.readNetFromTFLite(str(path), classic)
    except cv2.error as exc:
        raise ModelsMissingError(f"{path} is not a readable model: fetch it again") from exc


def _floats(values: Any) -> Floats:
    return np.asarray(values, np.float32)


def _anchors() -> Floats:
    """Centres of the 896 anchors, in parts of the square, row by row."""
    centres = []
    for stride, repeats in STRIDES:
        cells = (np.arange(DETECTOR_PX // stride) + 0.5) * stride / DETECTOR_PX
        y, x = np.meshgrid(cells, cells, indexing="ij")
        centres.append(np.stack([x, y], axis=-1).reshape(-1, 2).repeat(repeats, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _letterbox(bgr: Pixels, side_px: int) -> Pixels:
    """Shrink so that the longer side fits, keep the top left corner, fill with black."""
    height, width = bgr.shape[:2]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.zeros((side_px, side_px, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    return square


def _mesh_window(face: Detection) -> NDArray[np.float64]:
    """The affine map of the enlarged, upright face box onto FaceMesh's input."""
    left, top, width, height = face.box
    across = face.eyes[1] - face.eyes[0]
    degrees = float(np.degrees(np.arctan2(across[1], across[0])))
    scale = LANDMARKS_PX / (MESH_MARGIN * max(width, height))
    centre = (left + width / 2, top + height / 2)
    window = np.asarray(cv2.getRotationMatrix2D(centre, degrees, scale), np.float64)
    window[:, 2] += np.subtract(LANDMARKS_PX / 2, centre)
    return window
