"""One HTTPS client for the centre: our CA only, our certificate, and an end to every wait."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from firmware.uplink.errors import CentreRefused, CentreUnreachable, CentreWrong, NotOurCentre

MAX_ANSWER_BYTES = 4 << 20
IDLE_S = 3.0
"""A kept connection is not used again after so long: the centre's side ends it at five seconds."""
REASON = re.compile("[a-z_]{1,60}")
"""A key, never free text: it goes into the journal and onto screens."""
NO_CERTIFICATE = "no_certificate"
"""The centre's word for a box whose short-lived certificate is still to be fetched."""
RETRY_LATER = frozenset({408, 423, 425, 429})
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Without a line no byte of a request goes out; TLS that fails while it is set up counts as no line."""


Content = bytes | Iterable[bytes]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`connect_s` covers TCP and TLS, `step_s` each wait for bytes, `whole_s` one answer in all."""

    connect_s: float = 5.0
    step_s: float = 10.0
    whole_s: float = 30.0

    @classmethod
    def within(cls, whole_s: float) -> Timeouts:
        """No single wait is longer than the whole."""
        return cls(min(cls().connect_s, whole_s), min(cls().step_s, whole_s), whole_s)


def tls_context(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 that trusts `authority` alone and shows the box's certificate.

    Raises OSError (ssl.SSLError included) when a file is missing or is not what its name says.
    """
    context = anonymous_tls(authority)
    context.load_cert_chain(certificate, key)
    return context


def anonymous_tls(authority: Path) -> ssl.SSLContext:
    """As `tls_context`, and shows no certificate, until one is loaded into it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(authority)
    return context


class CentreClient:
    """GET and POST of JSON; one object belongs to one thread.

    Each call raises CentreUnreachable, CentreRefused or CentreWrong, and nothing else. `clock` counts seconds
    and never jumps; `transport` stands in for the network.
    """

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext,
        timeouts: Timeouts | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        if not url.startswith("https://"):
            raise ValueError(f"the centre's URL must begin with https://, not {url!r}")
        self.url = url.rstrip("/")
        self.tls = tls
        self.clock = clock
        self.timeouts = timeouts or Timeouts()
        waits = httpx.Timeout(self.timeouts.step_s, connect=self.timeouts.connect_s)
        self._http = httpx.Client(
            base_url=self.url,
            verify=tls,
            timeout=waits,
            limits=httpx.Limits(keepalive_expiry=IDLE_S),
            trust_env=False,
            follow_redirects=False,
            transport=transport,
            headers={"Accept-Encoding": "identity"},
        )
        for name in ("Accept", "Connection", "User-Agent"):  # each costs its bytes with every chunk
            del self._http.headers[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, most: int = MAX_ANSWER_BYTES) -> bytes:
        """The body of a 200 answer, of at most `most` bytes."""
        return _good(self.ask("GET", path, most=most))

    def get_json(self, path: str) -> dict[str, Any]:
        """The JSON object of a 200 answer."""
        return _object(self.get(path))

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Send `body` as JSON; the body of the 200 answer."""
        content = json.dumps(dict(body), ensure_ascii=False, separators=(",", ":")).encode()
        return _good(self.ask("POST", path, {"Content-Type": "application/json"}, content))

    def post_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _object(self.post(path, body))

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
        most: int = MAX_ANSWER_BYTES,
    ) -> Reply:
        """One request and its whole answer, of any status. Raises CentreUnreachable, CentreWrong.

        The answer has `whole_s` from when `content` has gone out; each part of `content` has `step_s`.
        """
        request = self._http.build_request(method, path, headers=headers, content=content)
        try:
            response = self._http.send(request, stream=True)
            try:
                deadline = self.clock() + self.timeouts.whole_s
                body = b"".join(self._bounded(response, most, deadline))
            finally:
                response.close()
        except httpx.TransportError as exc:
            error = wire_error(exc)
            raise (_not_done(error) if isinstance(exc, NEVER_SENT) else error) from exc
        return Reply(response.status_code, response.headers, body)

    def _bounded(self, response: httpx.Response, most: int, deadline: float) -> Iterator[bytes]:
        size = 0
        for part in response.iter_raw():
            size += len(part)
            if size > most:
                raise CentreWrong(f"the centre's answer is longer than {most} bytes")
            if self.clock() > deadline:
                raise CentreUnreachable("the centre's answer did not end in time")
            yield part


def _good(reply: Reply) -> bytes:
    check_status(reply.status, reply.body)
    return reply.body


def check_status(status: int, body: bytes) -> None:
    """Return for 200; raise what any other status means."""
    if status == 200:
        return
    if status >= 500 or status in RETRY_LATER:
        raise CentreUnreachable(f"the centre cannot answer now ({status})")
    if status >= 400:
        reason = _reason(body)
        if reason == NO_CERTIFICATE:
            raise _not_done(CentreUnreachable("this line shows no certificate of the box yet"))
        raise CentreRefused(status, reason)
    raise CentreWrong(f"the centre answered with status {status}")


def wire_error(error: BaseException) -> CentreUnreachable | NotOurCentre:
    """NotOurCentre if TLS said no anywhere in the chain of causes, otherwise CentreUnreachable.

    A connection that merely ends (SSLEOFError, and its like) is no verdict.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLWantReadError
        ):
            return NotOurCentre(f"TLS with the centre failed: {cause}")
        cause = cause.__cause__ or cause.__context__
    return CentreUnreachable(f"no answer from the centre ({type(error).__name__})")


def _not_done(error: CentreUnreachable | NotOurCentre) -> CentreUnreachable | NotOurCentre:
    error.in_doubt = False
    return error


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise CentreWrong("the centre's answer is not JSON") from exc
    if not isinstance(value, dict):
        raise CentreWrong("the centre's answer is not a JSON object")
    return value


def _reason(body: bytes) -> str:
    try:
        reason = _object(body).get("reason")
    except CentreWrong:
        return "unknown"
    return reason if isinstance(reason, str) and REASON.fullmatch(reason) else "unknown"
