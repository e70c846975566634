"""A private pcscd with vpcd slots: its own /run in a mount namespace, so that several run side by side.

For a desk and for tests, as root or as user: vpcd listens on all interfaces, so never on a box.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
READY_TIMEOUT_S = 10.0
END_TIMEOUT_S = 3.0
POLL_S = 0.02  # pcscd tells nobody when it is ready
SLOTS = 2
FIRST_PORT, LAST_PORT = 36000, 44000
LISTEN = "0A"  # in /proc/net/tcp
START = 'mount --bind "$1/run" /run && exec "$0" -f -e -c "$1/conf" $2'


class PcscdMissing(Exception):
    """This machine lacks a program; the message names the Debian package."""


class PcscdFailed(Exception):
    """It did not start, or ended; the message holds what it said."""


class PrivatePcscd:
    """A pcscd of one's own for the time of a `with`, with two slots, as vpcd has no more.

    `ports[n]` is slot n for `VpcdSlot`, `readers[n]` the name of its reader; `env` must be in the
    environment of a client before its first context.
    """

    readers = ("Virtual PCD 00 00", "Virtual PCD 00 01")

    def __init__(self) -> None:
        demand_installed()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self.ports: tuple[int, ...] = ()

    @property
    def env(self) -> Mapping[str, str]:
        return {"PCSCLITE_CSOCK_NAME": str(self._socket)}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pcscd-")
        (self._path / "run" / "pcscd").mkdir(parents=True)
        (self._path / "conf").mkdir()
        self.ports = _free_ports()
        (self._path / "conf" / "vpcd").write_text(_entry(self.ports[0]))
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if self._folder is not None:
            self._folder.cleanup()
        self._folder = None

    def start(self) -> None:
        """Start it (again, on the same socket and ports) and return once clients may come."""
        with suppress(FileNotFoundError):
            self._socket.unlink()
        self._said = (self._path / "said").open("wb")
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
        self._process = subprocess.Popen(
            [*unshare, "sh", "-c", START, _pcscd(), str(self._path), _polkit_option()],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            start_new_session=True,
        )
        self._await_ready()

    def kill(self) -> None:
        """End it and all it started, at once if need be; clients find their contexts void."""
        if self._process is not None:
            _end_group(self._process)
        if self._said is not None:
            self._said.close()
        self._process = self._said = None

    @property
    def _path(self) -> Path:
        if self._folder is None:
            raise PcscdFailed("not started")
        return Path(self._folder.name)

    @property
    def _socket(self) -> Path:
        return self._path / "run" / "pcscd" / "pcscd.comm"

    def _await_ready(self) -> None:
        until_s = time.monotonic() + READY_TIMEOUT_S
        while not (_listens(self._socket) and _listening_ports().issuperset(self.ports)):
            if self._process is None or self._process.poll() is not None:
                raise PcscdFailed(f"pcscd ended: {self._words()}")
            if time.monotonic() > until_s:
                raise PcscdFailed(f"pcscd not ready in {READY_TIMEOUT_S} s: {self._words()}")
            time.sleep(POLL_S)

    def _words(self) -> str:
        return (self._path / "said").read_text(errors="replace")[-2000:].strip() or "it said nothing"


def demand_installed() -> None:
    """Raises PcscdMissing with the Debian package's name when something is not there."""
    for program, package in (("unshare", "util-linux"), (_pcscd(), "pcscd")):
        if shutil.which(program) is None:
            raise PcscdMissing(f"{program} is missing: apt-get install {package}")
    if not DRIVER.exists():
        raise PcscdMissing(f"{DRIVER} is missing: apt-get install vsmartcard-vpcd")


def _pcscd() -> str:
    """Its path: /usr/sbin is not on every user's PATH."""
    return shutil.which("pcscd") or "/usr/sbin/pcscd"


def _polkit_option() -> str:
    """Debian 13's pcscd asks polkit about every client unless told not to; Debian 12's has no such option."""
    said = subprocess.run([_pcscd(), "--help"], capture_output=True, text=True, timeout=5, check=False)
    return "--disable-polkit" if "--disable-polkit" in said.stdout + said.stderr else ""


def _entry(port: int) -> str:
    """One entry is two readers. A second entry would poll the first one's sockets."""
    return (
        f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{port:04X}\n'
        f"LIBPATH {DRIVER}\nCHANNELID 0x{port:04X}\n"
    )


def _free_ports() -> tuple[int, ...]:
    """A free port and the next one, free as well."""
    start = FIRST_PORT + os.getpid() % 1024 * SLOTS  # apart from other tests that look just now
    for port in range(start, LAST_PORT, SLOTS):
        ports = tuple(range(port, port + SLOTS))
        if all(map(_is_free, ports)):
            return ports
    raise PcscdFailed(f"no free ports between {start} and {LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _listening_ports() -> set[int]:
    """Without knocking: to vpcd a connection is a card."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                if state == LISTEN:
                    ports.add(int(local.rpartition(":")[2], 16))
    return ports


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for how, patience_s in ((signal.SIGTERM, END_TIMEOUT_S), (signal.SIGKILL, END_TIMEOUT_S)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            return
