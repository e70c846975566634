"""What udev itself says of rules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def accepts(rules: Path) -> None:
    """Fail unless `udevadm verify` takes the file; skip where udevadm is older than systemd 254."""
    helped = shutil.which("udevadm") and subprocess.run(
        ["udevadm", "--help"], capture_output=True, text=True, check=False
    )
    if not helped or "verify" not in helped.stdout:
        pytest.skip("no udevadm that can verify (systemd 254 or newer): the rules are only parsed here")
    subprocess.run(["udevadm", "verify", str(rules)], check=True)
