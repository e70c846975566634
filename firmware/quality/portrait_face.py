"""Where the face is and how the head is held, from the 468 points of FaceMesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from drivers.api import Pixels
from firmware.quality.portrait_models import Floats

# FaceMesh's point numbers; left and right are the picture's
LEFT_EYE, RIGHT_EYE = (33, 133), (362, 263)
LEFT_LIDS, RIGHT_LIDS = (159, 145), (386, 374)
INNER_LIPS = (13, 14)
FOREHEAD, CHIN = 10, 152
LEFT_SIDE, RIGHT_SIDE = 234, 454
LEFT_CHEEK, RIGHT_CHEEK = 50, 280
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)

UPRIGHT_EYE_PX = 120.0  # sharpness and light are compared at this distance between the eyes
UPRIGHT_SPAN = (1.35, 1.25, 2.1)  # half width, above and below the eyes, in eye distances


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one picture: `points` (468, 3) px, `others` the area of the next face over this one's."""

    points: Floats
    others: float = 0.0

    def _middle(self, pair: tuple[int, int]) -> Floats:
        return np.asarray(self.points[list(pair), :2].mean(axis=0), np.float32)

    def _gap(self, pair: tuple[int, int]) -> float:
        above, below = self.points[list(pair), :2]
        return float(np.hypot(*(above - below)))

    @property
    def eyes(self) -> Floats:
        """(2, 2) px: the middles of the eyes, left then right."""
        return np.stack([self._middle(LEFT_EYE), self._middle(RIGHT_EYE)])

    @property
    def between_eyes(self) -> tuple[float, float]:
        x, y = self.eyes.mean(axis=0)
        return float(x), float(y)

    @property
    def roll_deg(self) -> float:
        """Head tilted to a shoulder; positive when the right eye of the picture is lower."""
        dx, dy = self.eyes[1] - self.eyes[0]
        return float(np.degrees(np.arctan2(dy, dx)))

    @property
    def yaw_deg(self) -> float:
        """Head turned aside; positive when the right side of the picture lies farther away."""
        dx, _, dz = self.points[RIGHT_SIDE] - self.points[LEFT_SIDE]
        return float(np.degrees(np.arctan2(dz, dx)))

    @property
    def pitch_deg(self) -> float:
        """Lean of the line from forehead to chin; its neutral value is the site's `pitch_neutral_deg`."""
        dx, dy, dz = self.points[CHIN] - self.points[FOREHEAD]
        return float(np.degrees(np.arctan2(dz, np.hypot(dx, dy))))

    @property
    def inter_eye_px(self) -> float:
        """Distance between the eyes, corrected for yaw (ISO/IEC 29794-5, inter-eye distance)."""
        across = float(np.hypot(*(self.eyes[1] - self.eyes[0])))
        return across / max(0.5, float(np.cos(np.radians(self.yaw_deg))))

    @property
    def eyes_to_chin_px(self) -> float:
        """The length T that ISO/IEC 29794-5 divides openings by."""
        return float(np.hypot(*(self.points[CHIN, :2] - self.eyes.mean(axis=0))))

    @property
    def lid_opening(self) -> float:
        """Opening of the eye that is closed more, over T (eyes open)."""
        return min(self._gap(LEFT_LIDS), self._gap(RIGHT_LIDS)) / self.eyes_to_chin_px

    @property
    def mouth_opening(self) -> float:
        """Gap between the inner lips over T (mouth closed)."""
        return self._gap(INNER_LIPS) / self.eyes_to_chin_px


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """The face turned upright, 120 px between the eyes or fewer: never enlarged, that would hide noise.

    `bgr` (height, width, 3); `skin` (height, width) True inside the oval of the face; `eye_px` the distance
    between the eyes here; `face` in the coordinates of this picture.
    """

    bgr: Pixels
    skin: np.ndarray
    eye_px: float
    face: Face


def upright(bgr: Pixels, face: Face) -> Upright:
    eye_px = min(UPRIGHT_EYE_PX, face.inter_eye_px)
    half, above, below = (span * eye_px for span in UPRIGHT_SPAN)
    turn = similarity(face, eye_px / face.inter_eye_px, (half, above))
    size = (round(2 * half), round(above + below))
    patch = cv2.warpAffine(bgr, turn, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    points = face.points.copy()
    points[:, :2] = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    oval = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillConvexPoly(oval, cv2.convexHull(points[list(OVAL), :2].round().astype(np.int32)), 1)
    return Upright(np.asarray(patch, np.uint8), oval.astype(bool), eye_px, Face(points))


def similarity(face: Face, scale: float, to: tuple[float, float]) -> np.ndarray:
    """Return the (2, 3) map that turns the face upright, scales it and puts the eyes' middle at `to`."""
    turn = cv2.getRotationMatrix2D(face.between_eyes, face.roll_deg, scale)
    turn[:, 2] += np.subtract(to, face.between_eyes)
    return np.asarray(turn)
