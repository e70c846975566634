"""Chip: how many APDUs and bytes a card takes, what protecting them costs, how long it lies in the field.

Counts are exact. Times are ratios within one run. The cards are virtual; the air is a model of ISO 14443-4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks import chip_counts, chip_times
from benchmarks.figure import About, Figure

FIGURES: Sequence[Callable[[], list[Figure]]] = (*chip_counts.FIGURES, *chip_times.FIGURES)
ABOUT: Mapping[str, About] = {**chip_counts.ABOUT, **chip_times.ABOUT}
