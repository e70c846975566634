"""The page of a virtual station over HTTP: its picture, its world, touches and acts. For this machine only.

Whatever another site or a rebound name could send is refused before anything is read: the Host must be
loopback, an Origin must be that Host, a body must be small JSON of the one shape that its path takes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firmware.sim.hands import NotNow
from firmware.sim.world import UnknownAct, World
from ui_fb.display import MemoryDisplay
from ui_fb.theme import Weight, font_folder

LOOPBACK = ("127.0.0.1", "localhost")
MAX_BODY_BYTES = 512
BODY_S = 5.0
PICTURE_WAIT_S = 10.0
LOOK_S = 0.4  # lamps, tray and buzzer are wires, which tell nobody when they change: they are looked at
JPEG = (
    cv2.IMWRITE_JPEG_QUALITY, 95,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)  # fmt: skip
PAGE = Path(__file__).parent / "page"
FILES = {"/": "index.html", "/kiosk.css": "kiosk.css", "/kiosk.js": "kiosk.js"}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Stage(Protocol):
    """What the page stands before."""

    @property
    def display(self) -> MemoryDisplay: ...
    @property
    def world(self) -> World: ...
    @property
    def about(self) -> Mapping[str, Any]:
        """What does not change while the station runs, as JSON: people, badges, names of fingers."""

    def touch(self, x: int, y: int) -> None:
        """Touch the display at this pixel."""


class Refused(Exception):
    """`status` and one word that says why."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status, self.problem = status, problem


def page(stage: Stage) -> Starlette:
    """Return the application; it owns nothing and may be served by any one event loop."""
    routes = [
        *(Route(path, _file(name)) for path, name in FILES.items()),
        Route("/font/{weight}.ttf", _font),
        Route("/station", lambda _: JSONResponse(dict(stage.about))),
        Route("/state", _state(stage)),
        Route("/screen.jpg", _screen(stage)),
        Route("/touch", _touch(stage), methods=["POST"]),
        Route("/world", _act(stage), methods=["POST"]),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(LoopbackOnly)],
        exception_handlers={Refused: _refused, ClientDisconnect: _refused},
    )


class LoopbackOnly:
    """Turns foreign hosts, origins and sites away, and puts the page's headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        problem = _foreign(Request(scope))
        app = self._app if problem is None else _answer(*problem)
        await app(scope, receive, send_guarded)


def _foreign(request: Request) -> tuple[int, str] | None:
    """Why this request does not come from our own page, or None. Missing and doubled headers count."""
    hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
    if len(hosts) != 1 or not _is_loopback(hosts[0]):
        return 421, "foreign_host"
    if any(origin != f"http://{hosts[0]}" for origin in origins):
        return 403, "foreign_origin"
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return 403, "foreign_site"
    return None


def _is_loopback(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        return parts.netloc == host and parts.username is None and parts.hostname in LOOPBACK
    except ValueError:
        return False


# --- what is seen --------------------------------------------------------------------------------------


def _file(name: str) -> Callable[[Request], Response]:
    return lambda _: FileResponse(PAGE / name)


def _font(request: Request) -> Response:
    """The font of the screens, for the page around them."""
    weight = request.path_params["weight"]
    if weight not in set(Weight):
        raise Refused(404, "no_such_font")
    return FileResponse(font_folder() / f"BeVietnamPro-{weight}.ttf")


def _state(stage: Stage) -> Callable[[Request], Any]:
    """The world, once it is not as at `since`, and a moment later at the latest."""

    async def state(request: Request) -> Response:
        await run_in_threadpool(stage.world.wait_change, _since(request), LOOK_S)
        return JSONResponse(stage.world.state())

    return state


def _screen(stage: Stage) -> Callable[[Request], Any]:
    """The picture once its number is not `since`; 204 when it stayed the same for a while."""

    async def screen(request: Request) -> Response:
        if not await run_in_threadpool(stage.display.wait_change, _since(request), PICTURE_WAIT_S):
            return Response(status_code=204)
        number, data = await run_in_threadpool(_jpeg, stage.display)
        return Response(data, media_type="image/jpeg", headers={"x-change": str(number)})

    return screen


def _jpeg(display: MemoryDisplay) -> tuple[int, bytes]:
    """The change's number and the picture, ten times quicker than PNG and to the eye the same."""
    number, image = display.snapshot()
    done, data = cv2.imencode(".jpg", np.asarray(image)[:, :, ::-1], JPEG)
    assert done  # noqa: S101  an 8-bit picture in memory always encodes
    return number, data.tobytes()


def _since(request: Request) -> int:
    given = request.query_params.get("since", "-1")
    if not given.removeprefix("-").isdecimal() or len(given) > 16:
        raise Refused(400, "bad_since")
    return int(given)


# --- what is done --------------------------------------------------------------------------------------


def _touch(stage: Stage) -> Callable[[Request], Any]:
    async def touch(request: Request) -> Response:
        body = await _body(request, {"x": int, "y": int})
        width, height = stage.display.size
        if not (0 <= body["x"] < width and 0 <= body["y"] < height):
            raise Refused(400, "beside_the_screen")
        stage.touch(body["x"], body["y"])
        return Response(status_code=204)

    return touch


def _act(stage: Stage) -> Callable[[Request], Any]:
    async def act(request: Request) -> Response:
        body = await _body(request, {"verb": str, "what": str, "skin": str})
        try:
            await run_in_threadpool(stage.world.do, body["verb"], body["what"], body["skin"])
        except UnknownAct:
            raise Refused(404, "unknown_act") from None
        except NotNow as refusal:
            raise Refused(409, str(refusal)) from None
        return JSONResponse(stage.world.state())

    return act


async def _body(request: Request, shape: Mapping[str, type]) -> dict[str, Any]:
    """Return the body: JSON with exactly the fields of `shape`, each of exactly its type."""
    if request.headers.get("content-type") != "application/json":
        raise Refused(415, "not_json")
    try:
        async with asyncio.timeout(BODY_S):
            given = json.loads(await _bounded(request))
    except TimeoutError:
        raise Refused(408, "too_slow") from None
    except (ValueError, RecursionError):
        raise Refused(400, "bad_json") from None
    if not isinstance(given, dict) or {name: type(value) for name, value in given.items()} != shape:
        raise Refused(400, "bad_fields")
    return given


async def _bounded(request: Request) -> bytes:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY_BYTES:
            raise Refused(413, "too_large")
    return bytes(data)


def _refused(_: Request, refusal: Exception) -> Response:
    """The answer to a refusal; who hung up gets none."""
    if isinstance(refusal, Refused):
        return _answer(refusal.status, refusal.problem)
    return Response(status_code=400)


def _answer(status: int, problem: str) -> Response:
    return JSONResponse({"problem": problem}, status)
