"""Tables of rows in one test: a failure names its row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def row(what: str) -> Iterator[None]:
    """What fails in here says in which row it was."""
    try:
        yield
    except AssertionError as failure:
        failure.add_note(f"in the row {what!r}")
        raise
