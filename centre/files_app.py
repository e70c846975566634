"""`/files`: tus 1.0 uploads, each box in its own folder, each chunk under its SHA-256.

The tus protocol is `resumable-upload`'s; what is left out here is what a box does not need and a
hostile client could use: bodies without a checksum, method overrides, deferred lengths, concatenation.
"""

from __future__ import annotations

from pathlib import Path

from resumable_upload import TusServer
from resumable_upload.exceptions import TusHookError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from centre.errors import Refused
from centre.uploads import BoxUploads, UploadLocks
from centre.wire import read_body

BASE_PATH = "/files"
MAX_UPLOAD_BYTES = 32 << 20
MAX_CHUNK_BYTES = 2 << 20
MAX_OPEN_UPLOADS = 16
KEPT_S = 7 * 24 * 3600


class FilesApp:
    """The tus servers of all boxes: one a box, made when it first speaks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, TusServer] = {}

    def storage(self, box: str) -> BoxUploads:
        return BoxUploads(self._folder / box)

    async def serve(self, box: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of `box`. Raises Refused."""
        headers = Headers(scope=scope)
        method = scope["method"]
        _check(method, headers)
        try:
            body = await read_body(receive, MAX_CHUNK_BYTES if method == "PATCH" else 0)
        except ClientDisconnect:
            return  # cut in the middle of a chunk: nothing of it counts
        status, answer, content = await run_in_threadpool(
            self._server(box).handle_request, method, scope["path"], dict(headers), body
        )
        await Response(bytes(content), status, answer)(scope, receive, send)

    def _server(self, box: str) -> TusServer:
        if box not in self._servers:
            self._servers[box] = self._make_server(self._folder / box)
        return self._servers[box]

    def _make_server(self, folder: Path) -> TusServer:
        storage = BoxUploads(folder)

        def may_create(_id: str, _metadata: dict[str, str], length: int) -> None:
            if length < 1:
                raise TusHookError("an upload is not empty", status_code=400)
            storage.make_room(MAX_OPEN_UPLOADS)

        return TusServer(
            storage=storage,
            base_path=BASE_PATH,
            max_size=MAX_UPLOAD_BYTES,
            max_chunk_size=MAX_CHUNK_BYTES,
            upload_expiry=KEPT_S,
            lock_backend=UploadLocks(folder),
            checksum_algorithms=("sha256",),
            disable_concatenation=True,
            on_upload_create=may_create,
        )


def _check(method: str, headers: Headers) -> None:
    if "x-http-method-override" in headers or "upload-defer-length" in headers:
        raise Refused(400, "not_offered", "method override and deferred length are not offered")
    if method == "PATCH" and not headers.get("upload-checksum", "").startswith("sha256 "):
        raise Refused(400, "checksum_missing", "each chunk needs Upload-Checksum: sha256 …")
