"""The centre's HTTP face: what may be asked, by whom, and how long the question may be.

Every request comes over mutual TLS; the verified certificate says which box speaks (`gate`). Handlers only
read and check; the work is `Centre`'s and runs on a thread. Each topic has its routes in a file of its own.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from centre import routes_box, routes_cards, routes_enrolment, routes_records
from centre.core import Centre
from centre.enrolment import Registrar
from centre.files_app import BASE_PATH, FilesApp
from centre.gate import Gate, GuardedApp


def make_app(centre: Centre, files: FilesApp, registrar: Registrar) -> Starlette:
    """The ASGI application over `centre` and the upload folders of `files`."""
    gate = Gate(centre)
    uploads = GuardedApp(gate, files.serve)
    return Starlette(
        routes=[
            *_general(centre, gate),
            *routes_cards.routes(centre, gate),
            *routes_box.routes(centre, gate),
            *routes_enrolment.routes(registrar),
            *routes_records.routes(centre, gate, files),
            Route(BASE_PATH, uploads),
            Mount(BASE_PATH, uploads),
        ]
    )


def _general(centre: Centre, gate: Gate) -> list[BaseRoute]:
    async def health(_request: Request, _box: str) -> Response:
        return JSONResponse(await run_in_threadpool(centre.health))

    async def counts(_request: Request, _box: str) -> Response:
        return JSONResponse(await run_in_threadpool(centre.counts))

    return [Route("/v1/health", gate.guarded(health)), Route("/v1/counts", gate.guarded(counts))]
