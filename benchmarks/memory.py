"""How much memory a tree of processes takes, looked at from outside while it works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

EVERY_S = 0.2
MB = 1024  # kB


def tree_mb(pid: int) -> dict[str, float]:
    """MB of each process of the tree under `pid`, by what it is ("kiosk" is `pid` itself).

    Proportional set size (/proc/PID/smaps_rollup), but for the root's file pages, which count in full: on a
    box nobody else maps the libraries that here a centre and this benchmark map as well.
    """
    sizes: dict[str, float] = {}
    for process in _tree(pid):
        try:
            name = "kiosk" if process.pid == pid else _what(process)
            sizes[name] = sizes.get(name, 0.0) + _size_kb(process.pid, alone=process.pid == pid) / MB
        except (psutil.Error, OSError):
            continue  # it has just ended
    return sizes


def _tree(pid: int) -> Iterator[psutil.Process]:
    root = psutil.Process(pid)
    yield root
    yield from root.children(recursive=True)


def _what(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return "chip" if "drivers.chip" in words else "nbis" if "nbis" in words else "other"


def _size_kb(pid: int, alone: bool) -> int:
    rollup = _fields(Path(f"/proc/{pid}/smaps_rollup"))
    if not alone:
        return rollup["Pss"]
    return rollup["Pss_Anon"] + rollup["Pss_Shmem"] + _fields(Path(f"/proc/{pid}/status"))["RssFile"]


def _fields(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in pairs if len(words) == 3 and words[2] == "kB"}


@dataclass
class PeakMemory:
    """Looks at the tree under `pid` while the `with` lasts; `peak` are the parts of the largest sum."""

    pid: int
    peak: dict[str, float] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    @property
    def total_mb(self) -> float:
        return sum(self.peak.values())

    def _look(self) -> None:
        while not self._ending.wait(EVERY_S):
            try:
                now = tree_mb(self.pid)
            except (psutil.Error, OSError):
                return  # the tree has ended
            if sum(now.values()) > self.total_mb:
                self.peak = now
