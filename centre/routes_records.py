"""A record's way in: an upload that is complete becomes a record with a receipt."""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from centre.core import Centre
from centre.errors import Refused
from centre.files_app import FilesApp
from centre.gate import Gate, checked
from centre.wire import read_json
from firmware.records.format import check as c

DELIVERIES = 4
"""Opened at the same time: each holds its record in memory several times over."""

_sha256 = c.text(64, 64, r"[0-9a-f]{64}")
_delivery = c.fields({"upload": c.text(36, 36, r"[0-9a-f-]+"), "sealed_digest": _sha256})


def routes(centre: Centre, gate: Gate, files: FilesApp) -> list[BaseRoute]:
    deliveries = asyncio.Semaphore(DELIVERIES)

    async def deliver(request: Request, box: str) -> Response:
        body = checked(_delivery, await read_json(request), "request")
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
            checked(_sha256, value, "digest")
        found = await run_in_threadpool(lambda: centre.receipt(box, **digests))
        if found is None:
            raise Refused(404, "record_unknown", "no such record of this box has arrived")
        return Response(found, media_type="application/json")

    return [
        Route("/v1/records", gate.guarded(deliver), methods=["POST"]),
        Route("/v1/records/{record_digest}/receipt", gate.guarded(receipt)),
    ]
