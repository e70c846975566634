"""Bad networks and bad centres: a proxy that cuts the line, and a TLS server that says what it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from centre.pki import Pki
from centre.serve import tls_context


def http_answer(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def json_answer(value: Any, status: int = 200) -> bytes:
    return http_answer(status, json.dumps(value).encode())


@contextlib.contextmanager
def scripted_centre(pki: Pki, answer: bytes | None) -> Iterator[int]:
    """A server with the centre's certificate that gives each request `answer`, or None: stays silent."""
    context, ended = tls_context(pki), threading.Event()

    def talk(line: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(line, server_side=True) as tls:
            tls.recv(65536)
            if answer is None:
                ended.wait()
            else:
                tls.sendall(answer)
                with contextlib.suppress(ssl.SSLError):
                    tls.unwrap()

    with _listening(talk, ended) as port:
        yield port


@dataclass
class CuttingProxy:
    """Carries bytes to `target`; each connection is cut once `cut_after` bytes have gone upstream."""

    target: int
    cut_after: int
    sent: int = field(default=0, init=False)

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        with _listening(self._carry, threading.Event()) as port:
            yield port

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self.target), timeout=30) as far:
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := near.recv(16384):
                    self.sent += len(data)
                    far.sendall(data)
                    if self.sent >= self.cut_after:
                        break
            for end in (near, far):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join(10)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(16384):
            target.sendall(data)


@contextlib.contextmanager
def _listening(talk: Any, ended: threading.Event) -> Iterator[int]:
    """Accept on loopback until the block ends; `talk` runs on a thread for each connection."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    if ended.is_set():
                        line.close()
                        return
                    thread = threading.Thread(target=talk, args=(line,), daemon=True)
                    threads.append(thread)
                    thread.start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        port = listener.getsockname()[1]
        try:
            yield port
        finally:
            ended.set()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            acceptor.join(10)
            for thread in threads:
                thread.join(10)
