"""systemd's end of the notify socket: a real datagram socket whose messages a test can look at."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONG_S = 60.0  # nothing waits for it to pass


class NotifySocket:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def waiting(self) -> list[str]:
        """All that was sent and not yet read."""
        self._socket.setblocking(False)
        notices = []
        try:
            while True:
                notices.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return notices

    def await_notice(self, wanted: str) -> list[str]:
        """Read until `wanted` comes; returns all that came, it last."""
        self._socket.settimeout(LONG_S)
        notices = []
        while not notices or notices[-1] != wanted:
            notices.append(self._socket.recv(4096).decode())
        return notices

    def close(self) -> None:
        self._socket.close()


@contextmanager
def notify_socket(folder: Path) -> Iterator[NotifySocket]:
    opened = NotifySocket(folder / "notify")
    try:
        yield opened
    finally:
        opened.close()
