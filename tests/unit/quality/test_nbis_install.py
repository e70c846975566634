"""deploy/nbis/install: a second run does nothing, and what is missing is said exactly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from firmware.quality.nbis.runtime import STAMP, ScorerMissing, locate, needs_newer_glibc, place

CHECKOUT = Path(__file__).resolve().parents[3]
INSTALL = CHECKOUT / "deploy" / "nbis" / "install"


def install(tools: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(INSTALL), str(tools)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    try:
        locate(CHECKOUT / ".tools")
    except ScorerMissing as exc:
        pytest.skip(str(exc))
    here = place(CHECKOUT / ".tools")
    there = place(tmp_path)
    there.mkdir(parents=True)
    (there / STAMP).write_bytes((here / STAMP).read_bytes())
    done = install(tmp_path, path=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "is installed" in done.stdout
    assert [entry.name for entry in there.iterdir()] == [STAMP]


def test_a_stamp_of_another_version_is_not_taken_for_installed(tmp_path: Path) -> None:
    there = place(tmp_path)
    there.mkdir(parents=True)
    (there / STAMP).write_text('{"requirements": "nbis-python==0.0.1", "newer_glibc": false}')
    if not needs_newer_glibc():
        pytest.skip("would go to the network: this system's C library is new enough")
    assert install(tmp_path, path=str(tmp_path)).returncode == 1


def test_without_apt_it_says_which_program_and_package_is_missing(tmp_path: Path) -> None:
    if not needs_newer_glibc():
        pytest.skip("apt is not needed: this system's C library is new enough")
    done = install(tmp_path, path=str(tmp_path))
    assert done.returncode == 1
    assert "Missing: apt-get (package apt)" in done.stderr
    assert not place(tmp_path).exists(), "nothing half-installed is left behind"
