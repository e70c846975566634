"""Running the centre: TLS 1.3 with client certificates, one ready line, an orderly end."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from centre.pki import Pki, Role
from centre.wire import PeerCertificateProtocol

MAX_HEAD_BYTES = 16 * 1024
MAX_CONNECTIONS = 256
GRACE_S = 3  # a kept connection without a request must not hold the end up for longer


def tls_context(pki: Pki) -> ssl.SSLContext:
    """Server side: a certificate that is shown must be of the box CA.

    A box that has none yet may show none: what it may ask for then is in `routes_enrolment` alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(pki.certificate_path(Role.BOX_CA))
    context.load_cert_chain(pki.certificate_path(Role.TLS_SERVER), pki.key_path(Role.TLS_SERVER))
    return context


def serve(app: Starlette, pki: Pki, host: str, port: int, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called once with host and port when it listens.

    Raises OSError when the address cannot be had.
    """
    with listening(host, port) as listener:
        line = {"host": host, "port": listener.getsockname()[1]}
        Server(app, pki, lambda: ready(line)).run([listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket that boxes can connect to. Raises OSError when the address cannot be had."""
    listener = socket.create_server((host, port), backlog=128)
    # inherited by each connection; without it an answer's second packet waits 40 ms for an ACK
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def ready_file(path: Path) -> Callable[[dict[str, Any]], None]:
    """Write the ready line into `path`, whole or not at all."""

    def write(line: dict[str, Any]) -> None:
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(json.dumps(line) + "\n")
        beside.replace(path)

    return write


class Server(uvicorn.Server):
    """The centre's HTTPS server, not yet running: `run([listener])` serves until `should_exit` is set."""

    def __init__(self, app: Starlette, pki: Pki, ready: Callable[[], None]) -> None:
        context = tls_context(pki)
        super().__init__(
            uvicorn.Config(
                app,
                http=PeerCertificateProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # its lines would hold personal numbers
                server_header=False,
                ssl_context_factory=lambda _config, _default: context,
                limit_concurrency=MAX_CONNECTIONS,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
