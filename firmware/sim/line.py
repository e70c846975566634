"""The line between a kiosk and its centre, on loopback: it carries bytes, counts them, and can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

CHUNK = 8192
HOST = "127.0.0.1"


class Line:
    """Listens on `port` for the kiosk and carries what it says to the centre's `target` port.

    TLS passes through unread. While it is cut, a connection ends as soon as it is made. A context manager.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._is_cut = False
        self._due: tuple[int, Callable[[], None]] | None = None
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="line", daemon=True)

    @property
    def url(self) -> str:
        """Where the kiosk finds its centre."""
        return f"https://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()

    def cut(self) -> None:
        """Tear every connection, and take no more."""
        with self._lock:
            self._is_cut = True
            for end in self._ends:
                _shut(end)

    def mend(self, target: int) -> None:
        """Carry again, to the centre that listens on `target` now."""
        with self._lock:
            self.target, self._is_cut = target, False

    def after_bytes(self, count: int, act: Callable[[], None]) -> None:
        """Call `act` once, on the line's own thread, when the kiosk has sent `count` more bytes."""
        with self._lock:
            self._due = count, act

    def forget(self) -> bool:
        """Call nothing any more; return whether something was still due."""
        with self._lock:
            due, self._due = self._due, None
        return due is not None

    # --- threads -----------------------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(near,), name="line", daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection((HOST, self.target)) as far:
            with self._lock:
                if self._is_cut:
                    return
                self._ends |= {near, far}
            back = threading.Thread(target=_pump, args=(far, near, _nothing), name="line", daemon=True)
            back.start()
            _pump(near, far, self._sent)
            back.join()
            with self._lock:
                self._ends -= {near, far}

    def _sent(self, count: int) -> None:
        with self._lock:
            if self._due is None:
                return
            left, act = self._due[0] - count, self._due[1]
            self._due = (left, act) if left > 0 else None
        if left <= 0:
            act()


def _pump(source: socket.socket, target: socket.socket, count: Callable[[int], None]) -> None:
    """Carry until either end is gone; then both are."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            count(len(data))
            target.sendall(data)
    _shut(source)
    _shut(target)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _nothing(_: int) -> None:
    """What comes back is not counted."""
