"""A finger as WSQ (FBI IAFIS-IC-0110, 0.75 bit a pixel: about 12:1), read back before it is kept."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from drivers.api import FingerImage, Pixels

PPI = 500  # what the encoder writes into its comment, whatever the picture is
LEAST_PSNR_DB = 22.0
"""Fingers give 25 to 30 dB, noise 12: below, the picture is not what WSQ is made for."""


class WsqRefused(Exception):
    """WSQ does not give this picture back well enough."""


def to_wsq(image: FingerImage) -> bytes:
    """Return the picture as WSQ. Raises WsqRefused unless it decodes to nearly the same at the same size."""
    if image.ppi != PPI:
        raise WsqRefused(f"WSQ says {PPI} ppi, this is {image.ppi}")
    _register()
    out = io.BytesIO()
    Image.fromarray(image.pixels, "L").save(out, "WSQ")
    data = out.getvalue()
    fidelity_db = psnr_db(image.pixels, from_wsq(data))
    if fidelity_db < LEAST_PSNR_DB:
        raise WsqRefused(f"decoded again it is {fidelity_db:.1f} dB like itself")
    return data


def from_wsq(data: bytes) -> Pixels:
    """Return the picture of what `to_wsq` wrote: native code, never to be given foreign bytes."""
    _register()
    with Image.open(io.BytesIO(data), formats=["WSQ"]) as picture:
        return np.asarray(picture.convert("L"), np.uint8)


def psnr_db(first: Pixels, second: Pixels) -> float:
    """Peak signal to noise; 0 where the sizes differ."""
    if first.shape != second.shape:
        return 0.0
    error = float(((first.astype(np.float32) - second) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def _register() -> None:
    """Importing the plugin makes it known to Pillow."""
    import wsq  # noqa: F401
