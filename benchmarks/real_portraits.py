"""The gate on every real portrait that an installed package brings; nothing of them is kept in git.

- scikit-image's astronaut (NASA, public domain): the package where it is installed, or the shared test data.
- face_recognition's source archive (MIT; official portraits and press photographs of two presidents of the
  USA): taken as an archive, never installed, by `python -m benchmarks.real_portraits`.

None was made for a document: they smile, turn, are small or cut. So not a share but every measure is told.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from benchmarks.booth import gate
from benchmarks.figure import About, Figure, figure, say
from firmware.quality.portrait_models import ModelsMissingError

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / ".tools" / "portraits"
SHARED = Path(os.environ.get("IDKIOSK_TEST_DATA", CHECKOUT.parent / "shared" / "data"))
ARCHIVE, INSIDE = "face_recognition==1.3.0", "/tests/test_images/"
ARCHIVE_SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
KINDS = {".png", ".jpg"}
TOLD = (
    *("eye_distance_px", "yaw_deg", "pitch_deg", "roll_deg", "noise", "sharp98", "light_ratio"),
    *("under_exposed", "over_exposed", "colour_cast", "lid_opening", "iris_opening", "mouth_opening"),
    *("eye_light", "eye_glare", "colour_shift", "lip_contrast", "mouth_width", "head_cover"),
)


def portraits() -> Iterator[Path]:
    """Every real portrait that is here."""
    package = find_spec("skimage")
    if package is not None and package.origin is not None:
        yield from Path(package.origin).parent.glob("data/astronaut.png")
    yield from (SHARED / "faces").glob("astronaut.png")
    yield from sorted(path for path in FOLDER.glob("*") if path.suffix in KINDS)


def real() -> list[Figure]:
    """Every measure of every real portrait that a package brings, and what the gate says of it."""
    figures = []
    try:
        for path in portraits():
            seen = gate().check_still(np.asarray(cv2.imread(str(path)), np.uint8))
            say(f"{path.name}: {seen.hint} ({', '.join(seen.flags)})")
            name = path.stem.replace("-", "_")
            figures += [figure(f"portrait.real.{name}.{told}", seen.measures[told], "") for told in TOLD]
            figures.append(figure(f"portrait.real.{name}.flags", len(seen.flags), ""))
    except ModelsMissingError as exc:
        say(str(exc))
    return figures


ABOUT = {
    "portrait.real": About(
        "the gate's measures of real photographs, none of which was made for a document: scikit-image's"
        " astronaut and the test pictures of face_recognition 1.3.0 (`python -m benchmarks.real_portraits`;"
        " 32bit is obama2 again, as PNG); the faces are small in their pictures, so all are told `closer`;"
        " nothing is taken for a mask, a hand, dark glasses or shut eyes"
    )
}


def fetch() -> None:
    """Take the archive through pip and unpack its pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pip = CHECKOUT / ".tools" / "uv" / "bin" / "pip"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [pip, "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, ARCHIVE], check=True
        )
        (archive,) = Path(folder).glob("*.tar.gz")
        if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
            raise SystemExit(f"{archive.name} is not the archive that was looked at")
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                content = tar.extractfile(member) if INSIDE in member.name else None
                if content is not None and Path(member.name).suffix in KINDS:
                    (FOLDER / Path(member.name).name).write_bytes(content.read())


if __name__ == "__main__":
    fetch()
    sys.stderr.write(f"{len(list(FOLDER.glob('*')))} pictures in {FOLDER}\n")
