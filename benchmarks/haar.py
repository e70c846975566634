"""The peer of the portrait's gate: Haar cascades and the variance of the Laplacian, as most booths use it.

OpenCV 5 has no cascades: the peer runs in a process of its own on OpenCV 4, which lies in `.tools/haar`:

    .tools/uv/bin/uv pip install --no-deps --target .tools/haar --python .venv/bin/python \\
        opencv-python-headless==4.14.0.94
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

CHECKOUT = Path(__file__).resolve().parents[1]
OPENCV_4 = CHECKOUT / ".tools" / "haar"
PEER = "Haar cascades and Laplacian"
FACE_SHARE = (0.28, 0.65)  # of the frame's height
OFF_CENTRE = 0.2  # of the frame's width
BRIGHT = (60.0, 200.0)  # 8-bit mean of the face
LAPLACIAN_MIN = 60.0
TIMEOUT_S = 300


class HaarMissing(Exception):
    """There is no OpenCV 4 for the peer; the text says what to run."""


def judged_by_haar(pictures: Sequence[np.ndarray]) -> list[bool]:
    """Return for each BGR picture whether the peer takes it. Raises HaarMissing."""
    if not (OPENCV_4 / "cv2").is_dir():
        raise HaarMissing(f"no OpenCV 4 in {OPENCV_4}: see benchmarks/haar.py")
    environment = {**os.environ, "PYTHONPATH": f"{OPENCV_4}{os.pathsep}{CHECKOUT}"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.npy"
        np.save(file, np.stack(pictures))
        command = [sys.executable, "-m", "benchmarks.haar", str(file)]
        told = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        )
    return [line == "good" for line in told.stdout.split()]


def main() -> None:
    opencv_4: Any = cv2
    folder = opencv_4.data.haarcascades
    faces, eyes = (
        opencv_4.CascadeClassifier(f"{folder}/haarcascade_{name}.xml")
        for name in ("frontalface_default", "eye")
    )
    for picture in np.load(sys.argv[1]):
        print("good" if takes(picture, faces, eyes) else "refused")


def takes(bgr: np.ndarray, faces: Any, eyes: Any) -> bool:
    """One face of the right size in the middle, two eyes in it, neither dark nor bright, and edges."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    found = faces.detectMultiScale(grey, 1.1, 5, minSize=(60, 60))
    if len(found) != 1:
        return False
    x, y, width, height = found[0]
    face = grey[y : y + height, x : x + width]
    middle = abs((x + width / 2) / bgr.shape[1] - 0.5) < OFF_CENTRE
    size = FACE_SHARE[0] < height / bgr.shape[0] < FACE_SHARE[1]
    light = BRIGHT[0] < float(face.mean()) < BRIGHT[1]
    sharp = float(cv2.Laplacian(face, cv2.CV_64F).var()) > LAPLACIAN_MIN
    seen = len(eyes.detectMultiScale(face[: height * 2 // 3], 1.1, 5))
    return middle and size and light and sharp and seen >= 2


if __name__ == "__main__":
    main()
