"""`make torture`: IDKIOSK_TORTURE=1 lets the tests marked so go on for much longer."""

from __future__ import annotations

import os

TORTURE = os.environ.get("IDKIOSK_TORTURE", "") not in ("", "0")


def many(usual: int, torture: int) -> int:
    """How often, today."""
    return torture if TORTURE else usual
