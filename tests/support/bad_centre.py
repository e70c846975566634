"""A centre that answers wrongly: the real one over its own TLS, but for what one path of it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import Engine
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from centre.core import utc_now
from centre.pki import Pki, Role
from centre.station import Station
from firmware.records.format.receipt import SignedReceipt, sign
from statemachine.states import S
from support import kiosk as stories
from support import office
from support.kiosk import Story

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Answer:
        return cls(status, json.dumps(value).encode())


Change = Callable[[Answer], Answer]


class Twist:
    """What `path` (and all beneath it) answers is changed while `on`; `asked` counts the questions.

    With `instead` the centre does not hear of the question at all.
    """

    def __init__(self, path: str, change: Change | None = None, instead: Answer | None = None) -> None:
        self.path, self.change, self.instead = path, change, instead
        self.on, self.asked = True, 0

    def put_before(self, monkeypatch: pytest.MonkeyPatch) -> Twist:
        """Every centre that is started from now on is twisted."""
        honest = Station.app

        def app(station: Station, engine: Engine, clock: Callable[[], datetime] = utc_now) -> ASGIApp:
            return self._around(honest(station, engine, clock))

        monkeypatch.setattr(Station, "app", app)
        return self

    def _around(self, centre: ASGIApp) -> ASGIApp:
        async def twisted(scope: Scope, receive: Receive, send: Send) -> None:
            if not self.on or not scope["path"].startswith(self.path):
                await centre(scope, receive, send)
                return
            self.asked += 1
            answer = self.instead or await _answer(centre, scope, receive)
            if self.change is not None:
                answer = self.change(answer)
            await Response(answer.body, answer.status, media_type=JSON)(scope, receive, send)

        return twisted


async def _answer(centre: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    parts: list[Message] = []

    async def keep(message: Message) -> None:
        parts.append(message)

    await centre(scope, receive, keep)
    return Answer(parts[0]["status"], b"".join(part.get("body", b"") for part in parts))


# --- receipts that lie ---------------------------------------------------------------------------------


def lying_receipt(folder: Callable[[], Path], **lies: Any) -> Change:
    """A receipt of the true centre's own key over other facts; `folder` is the centre's."""

    def lie(answer: Answer) -> Answer:
        told = SignedReceipt.from_json(answer.body).receipt
        key = Pki(folder() / "pki").credential(Role.RECEIPT).key
        return Answer(answer.status, sign(replace(told, **lies), key).to_json())

    return lie


# --- another line ----------------------------------------------------------------------------------------


@contextmanager
def story_before(port: int, at: str = "") -> Iterator[Story]:
    """A story whose box is told that its centre is at `port` of this machine; with `at` it is started."""
    with stories.story(at=at, started=False) as told:
        told.centre.stop()
        told.centre.port = port
        told._build()
        if at:
            told.start()
            told.comes(S(at))
        yield told


def certificate_of(story: Story) -> x509.Certificate:
    return x509.load_pem_x509_certificate((story.box / "identity" / "box.crt.pem").read_bytes())


def quick(monkeypatch: pytest.MonkeyPatch, timeout_s: float = 1.0) -> None:
    """Boxes of stories are configured with a shorter time-out of the centre."""
    plain = office.config

    def config(box: Path, url: str) -> Any:
        made = plain(box, url)
        return replace(made, centre=replace(made.centre, timeout_s=timeout_s))

    monkeypatch.setattr(office, "config", config)
