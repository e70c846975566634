"""The unit box: a swap, and from switched on to a greeting that takes a touch; each has its own module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import box_start, box_swap
from benchmarks.figure import About

FIGURES: Sequence[Callable[[], Any]] = (*box_swap.FIGURES, *box_start.FIGURES)
ABOUT: Mapping[str, About] = {**box_swap.ABOUT, **box_start.ABOUT}
