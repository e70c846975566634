"""The edge of the centre: which box speaks, and how much of what it says is read.

uvicorn does not show an application the client's certificate; `PeerCertificateProtocol` puts it into
each request's state, from the TLS connection that has verified it.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

from centre.errors import Refused
from centre.pki import BOX_ID, common_name

PEER_CERTIFICATE = "peer_certificate"
MAX_JSON_BYTES = 64 * 1024


class PeerCertificateProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with the verified client certificate (DER) in `request.state`."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        tls: ssl.SSLObject = transport.get_extra_info("ssl_object")
        self.app_state = {**self.app_state, PEER_CERTIFICATE: tls.getpeercert(binary_form=True)}


@dataclass(frozen=True, slots=True)
class Peer:
    """Whose certificate it is, and SHA-256 (hex) of its DER: which one."""

    box: str
    fingerprint: str


def peer(state: Any) -> Peer:
    """The box behind this request. Raises Refused(403) when its certificate names none, or there is none."""
    if not state[PEER_CERTIFICATE]:
        raise Refused(403, "no_certificate", "a box shows its certificate here")
    found = _peer(state[PEER_CERTIFICATE])
    if not BOX_ID.fullmatch(found.box):
        raise Refused(403, "no_box", "the client certificate names no box")
    return found


@lru_cache(maxsize=1024)
def _peer(der: bytes) -> Peer:
    return Peer(common_name(x509.load_der_x509_certificate(der)), hashlib.sha256(der).hexdigest())


async def read_json(request: Request, most: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """The body's JSON object. Raises Refused: 413 beyond `most` bytes, 400 when it is none."""
    body = await read_body(request.receive, most)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise Refused(400, "no_json", "the body is not JSON") from exc
    if not isinstance(value, dict):
        raise Refused(400, "no_json", "the body is not a JSON object")
    return value


async def read_body(receive: Receive, most: int) -> bytes:
    """The whole body, of at most `most` bytes. Raises Refused(413), or ClientDisconnect."""
    parts, size = [], 0
    async for part in _parts(receive):
        parts.append(part)
        size += len(part)
        if size > most:
            raise Refused(413, "too_long", f"a body has at most {most} bytes here")
    return b"".join(parts)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)
