"""What a box asks for before it can show a certificate. Nothing else answers without one.

Each request proves who asks by what it holds: a one-time code, or a statement signed by the box's identity.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from centre.enrolment import Registrar
from centre.errors import Refused
from centre.gate import bounded, checked
from centre.wire import read_body, read_json
from firmware.records.format import check as c
from firmware.records.format.enrolment import request_in, request_text
from firmware.records.format.errors import StatementRefused

MOST_SIGNED = 32 << 10
_enrolling = c.fields({"code": c.text(64, 1, r"[A-Z2-7]+"), "request": request_text})


def routes(registrar: Registrar) -> list[BaseRoute]:
    async def enrol(request: Request) -> Response:
        body = checked(_enrolling, await read_json(request), "request")
        made = await run_in_threadpool(registrar.enrol, body["code"], _request(body["request"]))
        return Response(made.to_json(), media_type="application/json")

    async def certify(request: Request) -> Response:
        signed = await read_body(request.receive, MOST_SIGNED)
        pem = await run_in_threadpool(registrar.certify, signed)
        return JSONResponse({"certificate": pem.decode()})

    return [
        Route("/v1/box/enrol", bounded(enrol, "enrol"), methods=["POST"]),
        Route("/v1/box/tls", bounded(certify, "certify"), methods=["POST"]),
    ]


def _request(text: str) -> bytes:
    try:
        return request_in(text)
    except StatementRefused as exc:
        raise Refused(400, "bad_request", str(exc)) from exc
