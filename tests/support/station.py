"""`kiosk station` as a process of its own, as a person starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

END_S = 60.0  # nothing waits for it to pass


class RunningStation:
    """`kiosk station` as a person starts it; `end` is Ctrl-C in its terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._errors = (folder / "stderr").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firmware", "station", "--port", "0", "--folder", str(folder / "station")],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.said()

    @property
    def pid(self) -> int:
        return self._process.pid

    def said(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    def end(self, how: signal.Signals, group: bool) -> int:
        """A terminal's Ctrl-C reaches the whole process group, a service manager's SIGTERM only the first."""
        if group:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        return self._process.wait(END_S)

    def close(self) -> None:
        """Kill what is still there."""
        for process in [*self.children(), psutil.Process(self._process.pid)] if self.running else []:
            process.kill()
        self._process.wait(END_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    @property
    def running(self) -> bool:
        return self._process.poll() is None
