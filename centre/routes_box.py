"""What a box asks for itself: its newest papers."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from centre.core import Centre
from centre.gate import Gate
from firmware.records.format.warrants import ASSIGNMENT, LEASE


def routes(centre: Centre, gate: Gate) -> list[BaseRoute]:
    async def assignment(_request: Request, box: str) -> Response:
        body = await run_in_threadpool(centre.paper, box, ASSIGNMENT)
        return Response(body, media_type="application/json")

    async def lease(_request: Request, box: str) -> Response:
        body = await run_in_threadpool(centre.paper, box, LEASE)
        return Response(body, media_type="application/json")

    return [
        Route("/v1/box/assignment", gate.guarded(assignment)),
        Route("/v1/box/lease", gate.guarded(lease)),
    ]
