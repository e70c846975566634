"""A box's chain: its records are numbered without gaps, and each names the digest of the one before."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import Row

GAP: Final = "sequence_gap"


def doubts(near: Collection[Row[Any]], box: str, number: int, previous: str, digest: str) -> Iterator[str]:
    """What does not fit between the records of this box; `near` has at least those beside it."""
    before, here, after = (
        [row for row in near if (row.box, row.sequence) == (box, place)]
        for place in (number - 1, number, number + 1)
    )
    if here:
        yield "sequence_taken"
    if number > 1 and not before:
        yield GAP
    if before and previous not in {row.record_digest for row in before}:
        yield "chain_broken"
    if after and digest not in {row.previous for row in after}:
        yield "chain_broken"


def waiting_for(near: Collection[Row[Any]], box: str, number: int, digest: str) -> Iterator[Row[Any]]:
    """The held records that lacked this one before them."""
    for row in near:
        follows = (row.box, row.sequence, row.previous) == (box, number + 1, digest)
        if follows and row.status == "HELD" and GAP in row.reason.split():
            yield row
