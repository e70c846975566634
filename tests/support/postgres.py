"""A PostgreSQL server of one's own: private data folder, a socket and no port, ended with its owner.

The programs are Debian's (`/usr/lib/postgresql/*/bin`). `initdb` and the server refuse root, so root runs
them as the user `postgres`; anybody else runs them as themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

READY_S = 30.0
OWNER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "log_min_messages": "log",
    "timezone": "UTC",
}


def programs() -> Path | None:
    """The folder of the newest installed server's programs, or None."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None


class PostgresServer:
    """One server over `folder`, which belongs to whom it runs as. `url(name)` is a SQLAlchemy URL."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        bin_folder = programs()
        if bin_folder is None:
            raise FileNotFoundError("no PostgreSQL server is installed (Debian: postgresql)")
        self._bin = bin_folder
        self._folder = folder
        self._settings = {**_SETTINGS, "unix_socket_directories": str(folder), **(settings or {})}
        self._process: subprocess.Popen[str] | None = None
        self._names = count(1)

    def init(self) -> None:
        """Make the cluster; its superuser is `centre` and needs no password on the private socket."""
        if os.geteuid() == 0:
            shutil.chown(self._folder, OWNER, OWNER)
        command = [*_as_owner(), str(self._bin / "initdb"), "-D", str(self._data), "-U", "centre"]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*command, *options], check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Return when it answers. It is ended by the kernel if whoever started it is killed."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            [*_as_owner("INT"), str(self._bin / "postgres"), "-D", str(self._data), *settings],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            text=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        self._process = process
        ready, said = threading.Event(), []

        def listen() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                said.append(line)
                if "ready to accept connections" in line:
                    ready.set()
            ready.set()

        threading.Thread(target=listen, daemon=True).start()
        if not ready.wait(READY_S) or process.poll() is not None:
            self.stop()
            raise AssertionError("PostgreSQL did not start:\n" + "".join(said[-20:]))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: orderly. SIGQUIT: at once, and the next start recovers from the log, as after a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(READY_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None

    def crash(self) -> None:
        self.stop(signal.SIGQUIT)

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"centre_{next(self._names)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def connect(self, name: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection past the centre, each statement a transaction."""
        return psycopg.connect(host=str(self._folder), user="centre", dbname=name, autocommit=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://centre@/{name}?host={self._folder}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"


@contextmanager
def running(settings: dict[str, str] | None = None, where: str | None = None) -> Iterator[PostgresServer]:
    """A server in a temporary folder under `where`, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir=where) as folder:
        server = PostgresServer(Path(folder), settings)
        server.init()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def session() -> Iterator[PostgresServer]:
    """A server for tests; they are skipped with a reason where none is installed."""
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    with running(where=in_memory()) as server:
        yield server


def in_memory() -> str | None:
    """Where a server's folder costs no disk, if there is such a place: for tests that do not cut power."""
    shared = Path("/dev/shm")
    return str(shared) if os.access(shared, os.W_OK) else None


def _as_owner(parent_death: str = "") -> list[str]:
    """setpriv's words: another user than root, and a signal for the day the parent is gone."""
    words = ["setpriv"]
    if os.geteuid() == 0:
        words += [f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
    if parent_death:
        words += [f"--pdeathsig={parent_death}"]
    return words if len(words) > 1 else []
