"""An ingest process that dies (SIGKILL) before the n-th thing it does to the disk, the database or the wire.

`python -m support.mortal_centre FOLDER [URL]` waits on its input for numbers; for each it forks a centre that
serves until that step, and says its process id and port. 0 serves for ever. The fork spares the imports.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from centre.serve import Server, listening
from centre.station import Station

FOREVER = 0
CALLS = ("fsync", "fdatasync", "link", "replace", "unlink")


@dataclass
class Fate:
    """Counts steps; the last one is not taken."""

    last: int
    taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, *_: object, **__: object) -> None:
        with self._lock:
            self.taken += 1
            if self.taken == self.last:
                os.kill(os.getpid(), signal.SIGKILL)

    def over(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def step_then_act(*args: Any, **named: Any) -> Any:
            self.step()
            return act(*args, **named)

        return step_then_act


def serve(station: Station, fate: Fate, said: Callable[[dict[str, int]], None]) -> None:
    with station.opened() as engine, listening("127.0.0.1", 0) as listener:
        app = station.app(engine)
        _stand_before_each_step(engine, fate)

        def ready() -> None:
            said({"pid": os.getpid(), "port": listener.getsockname()[1]})

        Server(_answering(app, fate), station.pki, ready).run([listener])  # type: ignore[arg-type]


def _stand_before_each_step(engine: Engine, fate: Fate) -> None:
    for name in CALLS:
        setattr(os, name, fate.over(getattr(os, name)))
    event.listen(engine, "before_cursor_execute", fate.step)
    event.listen(engine, "commit", fate.step)


def _answering(app: ASGIApp, fate: Fate) -> ASGIApp:
    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            fate.step()
            await send(message)

        await app(scope, receive, sending)

    return answering


def main() -> None:
    station = Station(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(station, Fate(int(line)), _say)
            os._exit(0)


def _say(what: dict[str, int]) -> None:
    print(json.dumps(what), flush=True)


@dataclass
class Life:
    """One ingest process as the test sees it."""

    pid: int
    port: int

    def is_over(self, within_s: float) -> bool:
        """Whether it dies within this time."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([handle], [], [], within_s)[0])
        finally:
            os.close(handle)

    def kill(self) -> None:
        """Without a word; also when it is dead already."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@contextmanager
def lives(station: Station) -> Iterator[Callable[[int], Life]]:
    """A function that starts a process that dies at a step, or FOREVER. All are ended with the block."""
    words = [sys.executable, "-m", "support.mortal_centre", str(station.folder)]
    words += [station.database_url] if station.database_url else []
    here = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    begun: list[Life] = []
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as mother:
        assert mother.stdin is not None and mother.stdout is not None
        asks, answers = mother.stdin, mother.stdout

        def begin(last: int = FOREVER) -> Life:
            asks.write(f"{last}\n")
            asks.flush()
            begun.append(Life(**json.loads(answers.readline())))
            return begun[-1]

        try:
            yield begin
        finally:
            for life in begun:
                life.kill()
            asks.close()


if __name__ == "__main__":
    main()
