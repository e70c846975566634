"""What stands before every handler: which box speaks, how long it may take, and how a refusal is told.

Errors are `{"reason": key, "detail": text}`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from centre import db
from centre.core import Centre
from centre.errors import Refused
from centre.wire import peer
from firmware.records.format import check as c
from firmware.records.format.errors import Problem

REQUEST_TIMEOUT_S = 60.0
BUSY = Refused(503, "busy", "ask again later")
TOO_SLOW = Refused(408, "too_slow")
Handler = Callable[[Request, str], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
BoxApp = Callable[[str, Scope, Receive, Send], Awaitable[None]]
log = logging.getLogger(__name__)


class Gate:
    """Lets an enrolled box in, and nobody else; each request ends within REQUEST_TIMEOUT_S."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """`handler` as an endpoint that is told which box speaks."""

        async def admitted(request: Request) -> Response:
            return await handler(request, await self.admitted(request.scope))

        return bounded(admitted, handler.__name__)

    async def admitted(self, scope: Scope) -> str:
        """The box that speaks. Raises Refused(403)."""
        speaks = peer(scope["state"])
        if self._centre.was_admitted(speaks):
            return speaks.box
        return await run_in_threadpool(self._centre.admit, speaks)


class GuardedApp:
    """A whole application behind `gate`: the box is known before a byte of the body is read."""

    def __init__(self, gate: Gate, application: BoxApp) -> None:
        self._gate = gate
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await self._application(await self._gate.admitted(scope), scope, receive, send)
        except Refused as exc:
            await refusal(exc)(scope, receive, send)
        except SQLAlchemyError as exc:
            await refusal(_no_answer("uploads", exc))(scope, receive, send)
        except TimeoutError:
            await refusal(TOO_SLOW)(scope, receive, send)


def bounded(handler: Endpoint, name: str) -> Endpoint:
    """`handler` as an endpoint that ends in time and says what it refuses."""

    async def endpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await handler(request)
        except Refused as exc:
            log.info("%s refused: %s", name, exc.reason)
            return refusal(exc)
        except SQLAlchemyError as exc:
            return refusal(_no_answer(name, exc))
        except TimeoutError:
            return refusal(TOO_SLOW)
        except ClientDisconnect:
            return Response(status_code=499)

    return endpoint


def checked(check: c.Check, value: Any, name: str) -> Any:
    """`value` if the check finds nothing. Raises Refused(400)."""
    problems: list[Problem] = []
    check(value, name, problems)
    if problems:
        raise Refused(400, "bad_request", "; ".join(map(str, problems))[:2000])
    return value


def refusal(refused: Refused) -> Response:
    """A refusal before the whole body was read ends the connection: the rest is not waited for.

    So does one of a line without a certificate: the box's next may show one.
    """
    body = {"reason": refused.reason, "detail": refused.detail}
    ends = refused.status in (408, 413) or refused.reason == "no_certificate"
    headers = {"Connection": "close"} if ends else {}
    return JSONResponse(body, refused.status, headers)


def _no_answer(where: str, error: SQLAlchemyError) -> Refused:
    """Ask again later, if that can help; the database's words may hold values and are not logged."""
    if not db.is_passing(error):
        raise error
    log.warning("%s: the database did not answer (%s)", where, type(error).__name__)
    return BUSY
