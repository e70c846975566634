"""The finger sensor's contract through real libusb: a recording of a U.are.U 4500 under umockdev."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.data import data_folder
from support.hil import Origin

CHECKOUT = Path(__file__).resolve().parents[2]
RUN_S = 60
Was = Callable[[str, Origin, str], None]

CHILD = """
import sys
import cv2
from drivers.fingerprint.uru4000 import Uru4000
from support.finger_contract import Bench, check_session

class Hands:
    def place(self): ...
    def lift(self): ...

image = check_session(Bench(Uru4000(host_seed=lambda: 0x51EA2124, poll_s=2.0), Hands()))
cv2.imwrite(sys.argv[1], image.pixels)
"""


def recorded_device(description: Path) -> str:
    """The sysfs path that a umockdev description begins with."""
    first = description.read_text().splitlines()[0]
    assert first.startswith("P: ")
    return "/sys" + first.removeprefix("P: ")


def test_the_recording_through_real_libusb_is_the_recorded_picture(tmp_path: Path, was: Was) -> None:
    if not shutil.which("umockdev-run"):
        pytest.skip("no umockdev-run here (Debian package umockdev)")
    folder = data_folder("usb") / "uru4000-4500"
    was("finger", Origin.RECORDED, "U.are.U 4500, USB capture through real libusb")
    device, tape, picture = folder / "device", folder / "capture.pcapng", tmp_path / "out.png"
    replay = ["umockdev-run", "-d", str(device), "-p", f"{recorded_device(device)}={tape}", "--"]
    paths = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests")])
    done = subprocess.run(
        [*replay, sys.executable, "-c", CHILD, str(picture)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    import cv2
    import numpy as np

    out, wanted = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in (picture, folder / "capture.png"))
    np.testing.assert_array_equal(out, wanted)
