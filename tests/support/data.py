"""Where the shared recordings and pictures lie: beside the checkout, or where IDKIOSK_TEST_DATA points."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def data_folder(name: str) -> Path:
    """Return the folder `name` of the shared test data; skip the test with a reason where it is absent."""
    folder = Path(os.environ.get("IDKIOSK_TEST_DATA", BESIDE)) / name
    if not folder.is_dir():
        pytest.skip(f"no shared test data at {folder} (set IDKIOSK_TEST_DATA)")
    return folder
