"""A box and the real centre's application in one process, and between them a network that a seed makes bad.

Time is virtual: nobody sleeps. The network stands below httpx; a killed centre is a new application over the
folder and database that the old one left; a killed box opens its journal again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any
from unittest import mock

import httpx
from sqlalchemy import Connection, Engine, event
from starlette.types import ASGIApp, Message

from centre import db
from centre.station import Station
from centre.wire import PEER_CERTIFICATE

PORTAL = b"<html><body>Welcome to the guest network! Please sign in.</body></html>"
HTML = [(b"content-type", b"text/html")]
BALANCER = (429, 502, 503, 404, 403, 413)
WAIT_S = 10.0
"""What a request costs that nobody answers."""


class Killed(BaseException):
    """The process that was at work is gone, in the middle of it."""


class Clock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s

    def wait(self, seconds: float) -> bool:
        self.s += seconds
        return False


class Fate(StrEnum):
    """What becomes of one request."""

    GOOD = "good"
    LOST = "lost"
    CUT = "cut in the request"
    UNANSWERED = "done, its answer lost"
    TORN = "done, its answer cut in the middle"
    TWICE = "doubled on the way"
    LATE = "comes after its sender gave it up"
    REPLAYED = "an old request comes again before it"
    DAMAGED = "one bit of its body flipped"
    PORTAL = "answered by a guest network's page"
    REDIRECTED = "sent to a guest network's page"
    BUSY = "answered by a balancer"
    CENTRE_KILLED = "the centre dies over it"
    BOX_KILLED = "the box dies waiting for the answer"


BAD = tuple(fate for fate in Fate if fate is not Fate.GOOD)
Draw = Callable[[], Fate]


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def response(self, keep: int | None = None) -> httpx.Response:
        """As httpx reads it off a line; cut after `keep` bytes."""
        stream = httpx.ByteStream(self.content) if keep is None else _Torn(self.content[:keep])
        return httpx.Response(self.status, headers=self.headers, stream=stream)


class CentreHere:
    """The centre's own application over `station`, killed and started again at will."""

    def __init__(self, station: Station, certificate: bytes, clock: Callable[[], Any]) -> None:
        self._station, self._certificate, self._clock = station, certificate, clock
        self._runner = asyncio.Runner()
        self._steps_left = -1
        self.kills = 0
        self._start()

    def _start(self) -> None:
        self._engine: Engine = self._station.engine()
        event.listen(self._engine, "commit", lambda _: self._step())
        self._app: ASGIApp = self._station.app(self._engine, self._clock)

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Raises Killed."""
        return self._runner.run(self._answer(request, body))

    def answer_dying(self, request: httpx.Request, body: bytes, step: int) -> Answer | None:
        """The centre dies before its `step`th durable act; then None, and a new one runs."""
        self._steps_left = step
        try:
            with self._watched():
                return self.answer(request, body)
        except Killed:
            self.kills += 1
            self._engine.dispose()
            self._start()
            return None
        finally:
            self._steps_left = -1

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """What its database holds."""
        with db.reading(self._engine) as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()
        self._runner.close()

    def _step(self) -> None:
        if self._steps_left == 0:
            self._steps_left = -1
            raise Killed
        self._steps_left = max(-1, self._steps_left - 1)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Whatever changes what a folder holds is a step, as each commit is."""

        def before(act: Callable[..., Any]) -> Callable[..., Any]:
            def stepped(*given: Any, **named: Any) -> Any:
                self._step()
                return act(*given, **named)

            return stepped

        with ExitStack() as stack:
            for name in ("fsync", "fdatasync", "link", "replace", "unlink"):
                stack.enter_context(mock.patch.object(os, name, before(getattr(os, name))))
            yield

    async def _answer(self, request: httpx.Request, body: bytes) -> Answer:
        told: list[Message] = []
        asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return asked.pop() if asked else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            told.append(message)

        await self._app(self._scope(request), receive, send)
        content = b"".join(part.get("body", b"") for part in told[1:])
        return Answer(told[0]["status"], content, told[0]["headers"])

    def _scope(self, request: httpx.Request) -> dict[str, Any]:
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": "https",
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "root_path": "",
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 443),
            "state": {PEER_CERTIFICATE: self._certificate},
        }


class BadLine(httpx.BaseTransport):
    """Below httpx: carries each request to `centre` as `draw` decides. `sent` counts bodies' bytes."""

    def __init__(self, centre: CentreHere, clock: Clock, random: Random, draw: Draw) -> None:
        self._centre, self._clock, self._random = centre, clock, random
        self.draw = draw
        self.dies_at: int | None = None
        """Before which durable act a centre dies; None: before any of the first eight."""
        self._late: list[tuple[httpx.Request, bytes]] = []
        self._past: list[tuple[httpx.Request, bytes]] = []
        self.met: set[Fate] = set()
        self.sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fate = self.draw()
        self.met.add(fate)
        body = self._sent(request)
        while self._late and self._random.random() < 0.5:
            self._quietly(*self._late.pop(self._random.randrange(len(self._late))))
        match fate:
            case Fate.CUT:
                raise httpx.WriteError("cut")
            case Fate.UNANSWERED | Fate.BOX_KILLED:
                self._quietly(request, body)
            case Fate.LATE:
                self._late.append((request, body))
            case Fate.REPLAYED if self._past:
                self._quietly(*self._random.choice(self._past))
        return self._answered(fate, request, body)

    def _answered(self, fate: Fate, request: httpx.Request, body: bytes) -> httpx.Response:
        match fate:
            case Fate.LOST | Fate.UNANSWERED | Fate.LATE:
                self._clock.wait(WAIT_S)
                raise httpx.ReadTimeout("silence")
            case Fate.BOX_KILLED:
                raise Killed
            case Fate.PORTAL:
                return Answer(200, PORTAL, HTML).response()
            case Fate.REDIRECTED:
                return Answer(302, PORTAL, [*HTML, (b"location", b"http://portal.example/")]).response()
            case Fate.BUSY:
                return Answer(self._random.choice(BALANCER), PORTAL, HTML).response()
        return self._asked(fate, request, body)

    def _asked(self, fate: Fate, request: httpx.Request, body: bytes) -> httpx.Response:
        """The centre hears the request, and so does the box the answer, unless the centre dies over it."""
        if fate is Fate.CENTRE_KILLED:
            step = self._random.randrange(8) if self.dies_at is None else self.dies_at
            last = self._centre.answer_dying(request, body, step)
            if last is None:
                raise httpx.RemoteProtocolError("the centre hung up")
            return last.response()
        if fate is Fate.DAMAGED and body:
            body = _flipped(body, self._random.randrange(8 * len(body)))
        self._past.append((request, body))
        answer = self._centre.answer(request, body)
        if fate is Fate.TWICE:
            self._quietly(request, body)
        torn = fate is Fate.TORN and answer.content
        return answer.response(self._random.randrange(len(answer.content)) if torn else None)

    def _sent(self, request: httpx.Request) -> bytes:
        parts = []
        for part in request.stream:  # type: ignore[union-attr]  # a sync stream
            self.sent += len(part)
            parts.append(part)
        return b"".join(parts)

    def _quietly(self, request: httpx.Request, body: bytes) -> None:
        """The centre hears it; nobody hears the centre."""
        self._centre.answer(request, body)

    def _silence(self, kind: type[httpx.TransportError]) -> httpx.TransportError:
        self._clock.wait(WAIT_S)
        return kind("silence")


class _Torn(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.RemoteProtocolError("cut")


def _flipped(body: bytes, bit: int) -> bytes:
    damaged = bytearray(body)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)
