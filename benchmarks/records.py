"""Records: what the box, the line and the centre do with them; each has a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import records_box, records_centre, records_line
from benchmarks.figure import About

FIGURES: Sequence[Callable[[], Any]] = (*records_box.FIGURES, *records_line.FIGURES, *records_centre.FIGURES)
ABOUT: Mapping[str, About] = {**records_box.ABOUT, **records_line.ABOUT, **records_centre.ABOUT}
