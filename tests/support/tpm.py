"""A TPM 2.0 in software (swtpm), in a folder of its own: a box's, or a thief's."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drivers.tpm.tpm import Tpm

START_S = 20


@dataclass
class SoftTpm:
    """What it knows lies in `folder`; `power_cycle` is the box's cold boot."""

    folder: Path

    @property
    def tcti(self) -> str:
        return f"swtpm:path={self.folder / 'tpm'}"

    def tpm(self) -> Tpm:
        return Tpm(self.tcti)

    def power_on(self) -> None:
        socket, control = self.folder / "tpm", self.folder / "tpm.ctrl"
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}", "--daemon"]
        command += ["--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={control}"]
        command += ["--flags", "not-need-init,startup-clear", "--pid", f"file={self._pid}"]
        subprocess.run(command, check=True, capture_output=True, timeout=START_S)

    def power_off(self) -> None:
        """Without a word to the TPM, as when the plug is pulled."""
        if not self._pid.exists():
            return
        process = int(self._pid.read_text())
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(process)
            os.kill(process, signal.SIGTERM)
            select.select([handle], [], [], START_S)
            os.close(handle)
        self._pid.unlink(missing_ok=True)

    @property
    def _pid(self) -> Path:
        return self.folder / "pid"

    def power_cycle(self) -> None:
        self.power_off()
        self.power_on()


@contextmanager
def soft_tpm() -> Iterator[SoftTpm]:
    """A new TPM that nobody owns yet; it ends with the block."""
    if shutil.which("swtpm") is None:
        pytest.skip("swtpm is not installed: apt-get install swtpm")
    pytest.importorskip("tpm2_pytss", reason="tpm2-pytss is not installed: uv sync --extra tpm")
    with ExitStack() as stack:
        made = SoftTpm(Path(stack.enter_context(TemporaryDirectory(prefix="tpm-"))))
        stack.callback(made.power_off)
        made.power_on()
        yield made
