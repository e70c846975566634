"""A TPM 2.0 in software (swtpm), in a folder of its own: a box's, or a thief's."""

from __future__ import annotations

import json
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
from cryptography.hazmat.primitives.serialization import Encoding

from centre import pki
from drivers.tpm.tpm import Tpm
from firmware.box.identity import Identity
from firmware.box.tpm_keys import TpmKeys
from firmware.box.unlock import Unlocking
from support import record

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


BADGE, PIN = "BADGE-01", "135790"


@dataclass
class TpmBox:
    """A box enrolled at a development centre whose keys are in `chip`; `boot` is a cold boot."""

    folder: Path
    chip: SoftTpm
    runtime: Path

    @classmethod
    def make(cls, where: Path, chip: SoftTpm) -> TpmBox:
        from support.centre import TestStation

        station = TestStation(where)
        enrolled = station.enrol().folder
        box = cls(enrolled, chip, where / "run")
        (enrolled / "box.key.pem").unlink()
        keys = TpmKeys.make(enrolled, chip.tpm(), box.runtime, BADGE, PIN)
        public = keys.private_key().public_key()
        certificate = pki.certify_box(station.station.pki, record.BOX, public, station.now)
        (enrolled / "box.crt.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        about = enrolled / "identity.json"
        about.write_text(json.dumps({**json.loads(about.read_text()), "keys": "tpm"}))
        return box

    @classmethod
    @contextmanager
    def made(cls, chip: SoftTpm) -> Iterator[TpmBox]:
        with TemporaryDirectory(prefix="tpm-box-") as folder:
            yield cls.make(Path(folder), chip)

    def identity(self) -> Identity:
        """As a new process sees it."""
        return Identity(self.folder, self.chip.tcti, self.runtime)

    @property
    def lock(self) -> Unlocking:
        lock = self.identity().lock
        assert lock is not None
        return lock

    def boot(self) -> None:
        """The power was off: what lay in memory is gone."""
        shutil.rmtree(self.runtime, ignore_errors=True)
        self.chip.power_cycle()
