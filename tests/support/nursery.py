"""Kiosks that are born warm: one process has read all programs and models, and each kiosk is its fork.

`Nursery.kiosk` starts one, in a process group of its own, and `Life.kill` is SIGKILL for it and all that it
started, as when the power goes. Run as a program, this is the process that forks.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import firmware.app
import firmware.document
import firmware.issue
import firmware.quality
import firmware.uplink

TESTS = Path(__file__).resolve().parents[1]
LINE_S = 120.0


@dataclass
class Life:
    """One life of a kiosk. `told` is what it has said so far."""

    nursery: Nursery
    pid: int
    pipe: Any
    told: list[dict[str, Any]] = field(default_factory=list)

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it says, line by line until it ends; each must come in time."""
        while True:
            ready, _, _ = select.select([self.pipe], [], [], LINE_S)
            assert ready, f"the kiosk says nothing any more; last: {self.told[-3:]}"
            line = self.pipe.readline()
            if not line:
                return
            self.told.append(json.loads(line))
            yield self.told[-1]

    def until(self, word: str) -> bool:
        """Wait for a line with this word; False: it came to its end without."""
        return any(word in line for line in self.lines())

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        assert self.end() == -signal.SIGKILL

    def end(self) -> int:
        """Its exit code, once it is gone."""
        self.pipe.close()
        return int(self.nursery.ask(reap=self.pid)["code"])

    @property
    def landed(self) -> dict[str, Any]:
        """Where it went on with a record; the greeting (of which LANGUAGE is the next) if there was none."""
        states = [line for line in self.told if "state" in line]
        return next((line for line in states[:2] if line["state"] not in ("ATTRACT", "LANGUAGE")), states[0])


class Nursery:
    def __init__(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=TESTS.parent,
        )
        self._numbers = count(1)

    @contextmanager
    def kiosk(self, folder: Path, url: str, stand: str = "", times: int = 1) -> Iterator[Life]:
        """A kiosk over `folder`/box that stands still where it is told to (`support.killable_kiosk`)."""
        pipe = folder / f"life-{next(self._numbers)}"
        os.mkfifo(pipe)
        orders = {"box": str(folder / "box"), "url": url, "card": str(folder / "card.json")}
        pid = self.ask(pipe=str(pipe), orders={**orders, "stand": stand, "times": times})["pid"]
        life = Life(self, pid, pipe.open("rb", buffering=0))
        try:
            yield life
        finally:
            if not life.pipe.closed:
                os.killpg(pid, signal.SIGKILL)
                life.end()

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the nursery is gone"
        answer: dict[str, Any] = json.loads(line)
        return answer


@cache
def nursery() -> Nursery:
    """The one of this run; its end is that of its standard input."""
    return Nursery()


# --- the process that forks ---------------------------------------------------------------------------


def main() -> None:
    """Answer each line: a kiosk to be born, or the exit code of one that ended."""
    from support import killable_kiosk, office

    for package in (firmware.app, firmware.document, firmware.issue, firmware.quality, firmware.uplink):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    gate = office.gate()

    def dress(kiosk: Any) -> None:
        kiosk.desk.gate = gate

    for line in sys.stdin:
        question = json.loads(line)
        if "reap" in question:
            _, status = os.waitpid(question["reap"], 0)
            print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)
        elif pid := os.fork():
            print(json.dumps({"pid": pid}), flush=True)
        else:
            _live(killable_kiosk.run, question, dress)


def _live(run: Any, question: dict[str, Any], dress: Any) -> NoReturn:
    os.setpgid(0, 0)
    pipe = os.open(question["pipe"], os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(pipe, 1, inheritable=False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    orders = question["orders"]
    code = 1
    try:
        paths = {name: Path(orders.pop(name)) for name in ("box", "card")}
        run(**paths, **orders, dress=dress)
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
