"""The files of a kept finger: its image record (ISO/IEC 19794-4) and its minutiae (ISO/IEC 19794-2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import cv2

from drivers.api import FingerImage
from firmware.quality.best import Measure
from firmware.quality.finger_capture import Sample
from firmware.quality.wsq_picture import WsqRefused, to_wsq
from firmware.records.format.finger_image import Compression, FingerRecord
from firmware.records.journal import Journal


def finger_files(
    finger: str, sample: Sample, template: bytes | None, at: datetime
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the finger's part says of its files, and the files by name."""
    image, minutiae = f"fingers/{finger}.fir", f"fingers/{finger}.fmr"
    height, width = sample.image.pixels.shape
    files = {image: _image_record(finger, sample, at)}
    if template is not None:
        files[minutiae] = template
    described = {
        "image": image,
        "template": minutiae if template is not None else None,
        "ppi": sample.image.ppi,
        "width_px": width,
        "height_px": height,
    }
    return described, files


def files_of(journal: Journal, record_id: str, part: Mapping[str, Any]) -> dict[str, bytes]:
    """The files that a finger's part has on the disk."""
    names = [name for name in (part["image"], part.get("template")) if name]
    return {name: journal.blob(record_id, name) for name in names}


def _image_record(finger: str, sample: Sample, at: datetime) -> bytes:
    """WSQ where it gives the picture back, else PNG, which loses nothing."""
    height, width = sample.image.pixels.shape
    try:
        picture, compression = to_wsq(sample.image), Compression.WSQ
    except WsqRefused:
        picture, compression = _png(sample.image), Compression.PNG
    measured = sample.score.measure is Measure.NFIQ2
    score = sample.score.value if measured else None
    record = FingerRecord(finger, picture, compression, width, height, sample.image.ppi, at, score)
    return record.to_bytes()


def _png(image: FingerImage) -> bytes:
    done, data = cv2.imencode(".png", image.pixels)
    assert done  # noqa: S101  an 8-bit picture in memory always encodes
    return data.tobytes()
