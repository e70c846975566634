"""A day at the box in a process that is really killed: `python -m support.storage.mortal FOLDER KILL_AT…`.

For each number a fork films the day under FOLDER/<number>/box and, after that many operations of the disk,
kills itself (SIGKILL). What it had told to the tape by then is in FOLDER/<number>/ops.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from support.storage import filming
from support.storage.tape import Kind, Op, Tape
from support.storage.visits import DAYS


class _Counted(list[Op]):
    """The tape's operations, each written down at once; dies with the last one it is to see."""

    def __init__(self, out: BinaryIO, left: int) -> None:
        super().__init__()
        self._out, self._left = out, left

    def append(self, op: Op) -> None:
        super().append(op)
        if op.kind is Kind.NOTE:
            return
        os.write(self._out.fileno(), pickle.dumps(op))
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


class _MortalTape(Tape):
    out: BinaryIO
    left: int

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.ops = _Counted(self.out, self.left)


def read(folder: Path) -> list[Op]:
    """The operations that one of the killed had told."""
    ops = []
    with (folder / "ops").open("rb") as file:
        while file.peek(1):
            ops.append(pickle.load(file))  # noqa: S301 - our own
    return ops


def main(folder: Path, places: list[int]) -> None:
    for left in places:
        box = folder / str(left) / "box"
        box.mkdir(parents=True)
        if pid := os.fork():
            _, status = os.waitpid(pid, 0)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        else:
            _MortalTape.out, _MortalTape.left = (box.parent / "ops").open("wb"), left
            filming.Tape = _MortalTape  # type: ignore[misc]
            filming.film(box, DAYS["a card, a card lost"])
            os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(number) for number in sys.argv[2:]])
