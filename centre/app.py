"""The centre's HTTP face: what may be asked, by whom, and how long the question may be.

Every request comes over mutual TLS; the verified certificate says which box speaks. Handlers only read
and check; the work is `Centre`'s and runs on a thread. Errors are `{"reason": key, "detail": text}`.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from centre import db
from centre.core import Centre
from centre.errors import Refused
from centre.files_app import BASE_PATH, FilesApp
from centre.ledger import Issue
from centre.wire import peer, read_json
from firmware.records.format import check as c
from firmware.records.format.errors import Problem
from firmware.records.format.rules import CASES
from firmware.records.format.schema import BOX
from firmware.records.format.signing import LDS_1_7, LDS_1_8

REQUEST_TIMEOUT_S = 60.0
BUSY = Refused(503, "busy", "ask again later")
TOO_SLOW = Refused(408, "too_slow")
DELIVERIES = 4
"""Opened at the same time: each holds its record in memory several times over."""
Handler = Callable[[Request, str], Awaitable[Response]]
log = logging.getLogger(__name__)

_sha256 = c.text(64, 64, r"[0-9a-f]{64}")
_number = c.text(12, 12, r"[0-9]{12}")
_attempt = c.integer(1, 1000)
_signing = c.fields(
    {
        "record_id": c.text(36, 32, r"[0-9a-f-]+"),
        "number": _number,
        "case": c.one_of(*sorted(CASES)),
        "box": c.text(32, 1, BOX),
        "epoch": c.integer(0, 2**31),
        "attempt": _attempt,
        "hash_algorithm": c.must_be("sha256"),
        "data_groups": c.mapping(r"[1-9]|1[0-6]", _sha256, 16, 1),
    },
    {"lost": c.listing(_attempt, 1000), "lds_version": c.one_of(LDS_1_7, LDS_1_8)},
)
_giving_up = c.fields({"record_id": c.text(36, 32, r"[0-9a-f-]+"), "attempts": c.listing(_attempt, 1000, 1)})
_delivery = c.fields({"upload": c.text(36, 36, r"[0-9a-f-]+"), "sealed_digest": _sha256})


def make_app(centre: Centre, files: FilesApp) -> Starlette:
    """The ASGI application over `centre` and the upload folders of `files`."""
    deliveries = asyncio.Semaphore(DELIVERIES)

    async def health(_request: Request, _box: str) -> Response:
        return JSONResponse(await run_in_threadpool(centre.health))

    async def person(request: Request, box: str) -> Response:
        number = _checked(_number, request.path_params["number"], "number")
        return JSONResponse(await run_in_threadpool(centre.person, box, number))

    async def extract(_request: Request, box: str) -> Response:
        body = await run_in_threadpool(centre.extract, box)
        return Response(body, media_type="application/octet-stream")

    async def sign(request: Request, box: str) -> Response:
        issue = _issue(_checked(_signing, await read_json(request), "request"))
        ef_sod = await run_in_threadpool(centre.sign, box, issue)
        return JSONResponse({"ef_sod": base64.b64encode(ef_sod).decode()})

    async def give_up(request: Request, box: str) -> Response:
        body = _checked(_giving_up, await read_json(request), "request")
        attempts = frozenset(body["attempts"])
        count = await run_in_threadpool(centre.give_up, box, body["record_id"], attempts)
        return JSONResponse({"voided": count})

    async def deliver(request: Request, box: str) -> Response:
        body = _checked(_delivery, await read_json(request), "request")
        async with deliveries:
            receipt = await run_in_threadpool(
                centre.take_in, box, files.storage(box), body["upload"], body["sealed_digest"]
            )
        return Response(receipt, media_type="application/json")

    async def receipt(request: Request, box: str) -> Response:
        digests = {"record_digest": request.path_params["record_digest"]}
        if "sealed_digest" in request.query_params:
            digests["sealed_digest"] = request.query_params["sealed_digest"]
        for value in digests.values():
            _checked(_sha256, value, "digest")
        found = await run_in_threadpool(lambda: centre.receipt(box, **digests))
        if found is None:
            raise Refused(404, "record_unknown", "no such record of this box has arrived")
        return Response(found, media_type="application/json")

    async def counts(_request: Request, _box: str) -> Response:
        return JSONResponse(await run_in_threadpool(centre.counts))

    def guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    box = await _admitted(centre, request.scope)
                    return await handler(request, box)
            except Refused as exc:
                log.info("%s refused: %s", handler.__name__, exc.reason)
                return _refusal(exc)
            except SQLAlchemyError as exc:
                return _refusal(_no_answer(handler.__name__, exc))
            except TimeoutError:
                return _refusal(TOO_SLOW)
            except ClientDisconnect:
                return Response(status_code=499)

        return endpoint

    uploads = _Uploads(centre, files)
    return Starlette(
        routes=[
            Route("/v1/health", guarded(health)),
            Route("/v1/registry/extract", guarded(extract)),
            Route("/v1/registry/{number}", guarded(person)),
            Route("/v1/sign", guarded(sign), methods=["POST"]),
            Route("/v1/void", guarded(give_up), methods=["POST"]),
            Route("/v1/records", guarded(deliver), methods=["POST"]),
            Route("/v1/records/{record_digest}/receipt", guarded(receipt)),
            Route("/v1/counts", guarded(counts)),
            Route(BASE_PATH, uploads),
            Mount(BASE_PATH, uploads),
        ]
    )


class _Uploads:
    """`/files` as a whole application: the box is known before a byte of the body is read."""

    def __init__(self, centre: Centre, files: FilesApp) -> None:
        self._centre = centre
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                box = await _admitted(self._centre, scope)
                await self._files.serve(box, scope, receive, send)
        except Refused as exc:
            await _refusal(exc)(scope, receive, send)
        except SQLAlchemyError as exc:
            await _refusal(_no_answer("uploads", exc))(scope, receive, send)
        except TimeoutError:
            await _refusal(TOO_SLOW)(scope, receive, send)


async def _admitted(centre: Centre, scope: Scope) -> str:
    """The box that speaks. Raises Refused(403)."""
    speaks = peer(scope["state"])
    return speaks.box if centre.was_admitted(speaks) else await run_in_threadpool(centre.admit, speaks)


def _no_answer(where: str, error: SQLAlchemyError) -> Refused:
    """Ask again later, if that can help; the database's words may hold values and are not logged."""
    if not db.is_passing(error):
        raise error
    log.warning("%s: the database did not answer (%s)", where, type(error).__name__)
    return BUSY


def _checked(check: c.Check, value: Any, name: str) -> Any:
    """`value` if the check finds nothing. Raises Refused(400)."""
    problems: list[Problem] = []
    check(value, name, problems)
    if problems:
        raise Refused(400, "bad_request", "; ".join(map(str, problems))[:2000])
    return value


def _issue(body: dict[str, Any]) -> Issue:
    return Issue(
        body["record_id"],
        body["number"],
        body["case"],
        body["box"],
        body["epoch"],
        body["attempt"],
        {int(tag): bytes.fromhex(value) for tag, value in body["data_groups"].items()},
        frozenset(body.get("lost", ())),
        body.get("lds_version", LDS_1_7),
    )


def _refusal(refused: Refused) -> Response:
    """A refusal before the whole body was read ends the connection: the rest is not waited for."""
    body = {"reason": refused.reason, "detail": refused.detail}
    headers = {"Connection": "close"} if refused.status in (408, 413) else {}
    return JSONResponse(body, refused.status, headers)
