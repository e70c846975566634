"""The centre as its own process, as the demo and the tests start it: real TLS, real SQLite, a free port."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

READY_S = 20.0


class CentreFailed(Exception):
    """The centre did not start, or a set-up command was refused; the text is what it said."""


class CentreProcess:
    """`kiosk-centre serve` on loopback, over `folder`; ended when the `with` ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def set_up(self, box: str, out: Path) -> None:
        """Make the development keys on the first run, and `box` its identity in `out`, once."""
        enrolled = (str(self.folder), "--box", box, "--out", str(out))
        if not (self.folder / "pki").exists():
            self.run("init", *enrolled)
        elif not (out / "identity.json").exists():
            self.run("enrol-box", *enrolled)

    def import_people(self, file: Path) -> None:
        self.run("registry", "import", str(self.folder), str(file))

    def counts(self) -> dict[str, Any]:
        counts: dict[str, Any] = json.loads(self.run("counts", str(self.folder)))
        return counts

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self, ahead_s: int = 0) -> None:
        """Serve, on a port of its own choice; `ahead_s`: how far its clock is moved. Raises CentreFailed."""
        log = (self.folder / "centre.log").open("a")
        with log:
            self._process = subprocess.Popen(
                [*_program(), "serve", str(self.folder), "--port", "0", "--clock-ahead", str(ahead_s)],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        with ExitStack() as starting:
            starting.callback(self.stop)
            assert self._process.stdout is not None  # noqa: S101  it is a pipe
            line = self._process.stdout.readline()
            if not line:
                raise CentreFailed(f"the centre ended at once: see {self.folder / 'centre.log'}")
            self.port = json.loads(line)["port"]
            starting.pop_all()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; what it acknowledged is on its disk."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(READY_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        self._process.stdout.close()
        self._process = None

    def run(self, *words: str) -> str:
        """`kiosk-centre WORDS`: what it prints. Raises CentreFailed with what it refused."""
        done = subprocess.run([*_program(), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CentreFailed(done.stderr.strip() or f"kiosk-centre {words[0]} failed")
        return done.stdout


def _program() -> Sequence[str]:
    return (sys.executable, "-m", "centre")
