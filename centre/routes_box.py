"""What a box asks for itself: its newest papers; and what it says of a place that it took."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from centre.core import Centre
from centre.gate import Gate, checked
from centre.wire import read_json
from firmware.records.format import check as c
from firmware.records.format.paper import MAX_BYTES
from firmware.records.format.warrants import ASSIGNMENT, LEASE

MAX_SWAP_BYTES = MAX_BYTES + (64 << 10)


def _any(_value: object, _where: str, _problems: c.Problems) -> None:
    """The papers are checked as such, by what they are signed over."""


_swap = c.fields({"adoption": _any, "handover": _any})


def routes(centre: Centre, gate: Gate) -> list[BaseRoute]:
    async def assignment(_request: Request, box: str) -> Response:
        body = await run_in_threadpool(centre.paper, box, ASSIGNMENT)
        return Response(body, media_type="application/json")

    async def lease(_request: Request, box: str) -> Response:
        body = await run_in_threadpool(centre.paper, box, LEASE)
        return Response(body, media_type="application/json")

    async def swap(request: Request, box: str) -> Response:
        body = checked(_swap, await read_json(request, MAX_SWAP_BYTES), "request")
        answer = await run_in_threadpool(centre.swap, box, body["adoption"], body["handover"])
        return JSONResponse(answer)

    return [
        Route("/v1/swaps", gate.guarded(swap), methods=["POST"]),
        Route("/v1/box/assignment", gate.guarded(assignment)),
        Route("/v1/box/lease", gate.guarded(lease)),
    ]
