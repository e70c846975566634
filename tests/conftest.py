"""For every test: Python looks for garbage seldom, for a run makes little of it and much that stays."""

from __future__ import annotations

import gc

from support import fuzz, portal

if not fuzz.LONG:  # what a long fuzz test leaves behind is gigabytes
    gc.set_threshold(100_000, 50, 50)


def pytest_sessionfinish() -> None:
    portal.close()
