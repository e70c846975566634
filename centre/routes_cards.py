"""What a visit asks for: the person in the registry, the signature of a card, and the giving up of one."""

from __future__ import annotations

import base64
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from centre.core import Centre
from centre.gate import Gate, checked
from centre.ledger import Issue
from centre.wire import read_json
from firmware.records.format import check as c
from firmware.records.format.rules import CASES
from firmware.records.format.schema import BOX
from firmware.records.format.signing import LDS_1_7, LDS_1_8

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


def routes(centre: Centre, gate: Gate) -> list[BaseRoute]:
    async def person(request: Request, box: str) -> Response:
        number = checked(_number, request.path_params["number"], "number")
        return JSONResponse(await run_in_threadpool(centre.person, box, number))

    async def extract(_request: Request, box: str) -> Response:
        body = await run_in_threadpool(centre.extract, box)
        return Response(body, media_type="application/octet-stream")

    async def sign(request: Request, box: str) -> Response:
        issue = _issue(checked(_signing, await read_json(request), "request"))
        ef_sod = await run_in_threadpool(centre.sign, box, issue)
        return JSONResponse({"ef_sod": base64.b64encode(ef_sod).decode()})

    async def give_up(request: Request, box: str) -> Response:
        body = checked(_giving_up, await read_json(request), "request")
        attempts = frozenset(body["attempts"])
        count = await run_in_threadpool(centre.give_up, box, body["record_id"], attempts)
        return JSONResponse({"voided": count})

    return [
        Route("/v1/registry/extract", gate.guarded(extract)),
        Route("/v1/registry/{number}", gate.guarded(person)),
        Route("/v1/sign", gate.guarded(sign), methods=["POST"]),
        Route("/v1/void", gate.guarded(give_up), methods=["POST"]),
    ]


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
