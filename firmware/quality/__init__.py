"""Is the sample good enough, and what should the person do now: fingers and portrait."""

from typing import Final

GOOD_FRAMES: Final = 8
"""A portrait is taken once so many frames in a row were good; the screen counts them."""
