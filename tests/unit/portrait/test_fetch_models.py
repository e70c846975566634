"""deploy/models/fetch: nothing to do when all is there, and a clear word when it cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.portrait import CHECKOUT, models_folder

FETCH = CHECKOUT / "deploy" / "models" / "fetch"


def fetch(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where no pip can work."""
    return subprocess.run(
        [sys.executable, "-S", str(FETCH), str(folder)],
        env={"PATH": "/nowhere", "PIP": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_folder_needs_nothing(tmp_path: Path) -> None:
    shutil.copytree(models_folder(), tmp_path / "models")
    done = fetch(tmp_path / "models")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_missing_or_changed_file_is_noticed_and_said(tmp_path: Path, damage: str) -> None:
    shutil.copytree(models_folder(), tmp_path / "models")
    model = tmp_path / "models" / "face_landmark.tflite"
    if damage == "missing":
        model.unlink()
    else:
        model.write_bytes(model.read_bytes()[:-1])
    failed = fetch(tmp_path / "models")
    assert failed.returncode == 1
    assert "PIP=" in failed.stderr
