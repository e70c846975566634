"""What every camera's frame must be before anybody looks at it."""

from __future__ import annotations

from typing import Any

import numpy as np

from drivers.api import Pixels
from drivers.errors import ProtocolError

LEAST_PX, MOST_PX = 16, 8192


def whole(array: Any, doing: str) -> Pixels:
    """Return a contiguous (height, width, 3) uint8 copy or view. Raises ProtocolError for anything else."""
    picture = np.asarray(array)
    colour = picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8
    if not colour or not all(LEAST_PX <= side <= MOST_PX for side in picture.shape[:2]):
        raise ProtocolError("camera", f"{doing}: a frame of {picture.shape} {picture.dtype}")
    return np.ascontiguousarray(picture)
