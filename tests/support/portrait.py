"""What portrait tests share: the gate on the real models, and a camera with a person before it."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import pytest

from drivers.virtual.camera import VirtualCamera
from firmware.quality.portrait import PortraitGate
from firmware.quality.portrait_models import DETECTOR, FaceModels

CHECKOUT = Path(__file__).resolve().parents[2]


def models_folder() -> Path:
    """Return the folder of the face models; skip the test with a reason where they were not fetched."""
    folder = Path(os.environ.get("IDKIOSK_MODELS", CHECKOUT / ".tools" / "models"))
    if not (folder / DETECTOR).is_file():
        pytest.skip(f"no face models at {folder}: run deploy/models/fetch")
    return folder


@lru_cache(maxsize=1)
def gate() -> PortraitGate:
    return PortraitGate(FaceModels(models_folder()))


def settle(camera: VirtualCamera, frames: int = 14) -> None:
    """Let the automatic exposure come to rest."""
    for _ in range(frames):
        camera.preview(1.0)
