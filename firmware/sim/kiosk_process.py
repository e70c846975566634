"""The demo's handle on a kiosk that runs as a process of its own (`firmware.sim.killable`)."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from firmware.sim.killable import Orders

END_S = 30.0


class Died(Exception):
    """The process is gone; `code` as of `subprocess`: negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the kiosk ended with {code}")
        self.code = code

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class KioskProcess:
    """One life of a kiosk. What it logs goes to the end of the file `log`."""

    def __init__(self, orders: Orders, log: Path) -> None:
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with log.open("a") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "firmware.sim.killable", orders.to_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,  # its children die with it, as in a power cut
            )
        threading.Thread(target=self._listen, name="kiosk", daemon=True).start()

    def order(self, **line: Any) -> None:
        """Say something to it; one that has died does not hear it."""
        assert self._process.stdin is not None  # noqa: S101  it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()

    def next(self, timeout_s: float) -> dict[str, Any] | None:
        """What it says next; None when it says nothing in time. Raises Died."""
        try:
            line = self._lines.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None
        if line is None:
            raise Died(self._bury())
        return line

    def kill(self) -> None:
        """SIGKILL for it and all that it started; from any thread."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> int:
        """Let it close in good order; return its exit code."""
        self.order(end=True)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
        return self._bury()

    def _bury(self) -> int:
        code = self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        return code

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        with contextlib.suppress(ValueError):  # closed: nobody listens any more
            for line in self._process.stdout:
                with contextlib.suppress(json.JSONDecodeError):  # cut off with the power
                    self._lines.put(json.loads(line))
        self._lines.put(None)
