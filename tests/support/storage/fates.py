"""What becomes of the operations that a power cut leaves uncertain."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Protocol

from support.storage.tape import Kind, Op

SECTOR = 512


class Fate(Protocol):
    """Decides of what is not certain."""

    def comes(self, op: Op) -> bool: ...
    def torn(self, op: Op) -> bool: ...
    def pieces(self, size: int) -> Iterator[tuple[int, int, bytes]]:
        """Of a torn write: (from, to, b"") came, (from, to, other bytes) came as something else."""


class Whole:
    """Everything comes, as when the disk had time."""

    def comes(self, _: Op) -> bool:
        return True

    def torn(self, _: Op) -> bool:
        return False

    def pieces(self, size: int) -> Iterator[tuple[int, int, bytes]]:
        yield 0, size, b""


class Lost(Whole):
    """Nothing comes that was not synced."""

    def comes(self, _: Op) -> bool:
        return False


class NamesOnly(Whole):
    """Names come, bytes do not: the file system's log was faster than its data."""

    def comes(self, op: Op) -> bool:
        return op.kind not in (Kind.WRITE, Kind.TRUNCATE)


class BytesOnly(Whole):
    """Bytes come, names do not."""

    def comes(self, op: Op) -> bool:
        return op.kind in (Kind.WRITE, Kind.TRUNCATE)


class Chance(Whole):
    """Each for itself comes with a chance of `share`; of those that come one in three is torn."""

    def __init__(self, random: Random, share: float | None = None) -> None:
        self._random = random
        self._share = random.choice((0.2, 0.5, 0.8)) if share is None else share

    def comes(self, _: Op) -> bool:
        return self._random.random() < self._share

    def torn(self, _: Op) -> bool:
        return self._random.random() < 1 / 3

    def pieces(self, size: int) -> Iterator[tuple[int, int, bytes]]:
        """The beginning up to any byte, or sectors of which some never came, or came as rubbish or zeros."""
        if self._random.random() < 0.3:
            yield 0, self._random.randrange(size + 1), b""
            return
        for start in range(0, size, SECTOR):
            end = min(size, start + SECTOR)
            dice = self._random.random()
            if dice < 0.5:
                yield start, end, b""
            elif dice < 0.7:
                yield start, end, bytes(end - start)
            elif dice < 0.8:
                yield start, end, self._random.randbytes(end - start)


def fates(random: Random, chances: int) -> list[Fate]:
    """The four plain ones, and some by chance."""
    return [Whole(), Lost(), NamesOnly(), BytesOnly(), *(Chance(random) for _ in range(chances))]
